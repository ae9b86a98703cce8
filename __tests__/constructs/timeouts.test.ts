import { CONFINED } from "../../constructs/containers/container-definition";
import { mlflowContainer } from "../../constructs/containers/mlflow";
import { TIMEOUTS } from "../../constructs/timeouts";

describe("of the parts that a request goes through", () => {
  test("oauth2-proxy gives up before the load balancer does, and says so in its log", () => {
    expect(TIMEOUTS.upstreamResponse).toBeLessThan(TIMEOUTS.loadBalancerIdle);
  });

  test("MLflow keeps a silent connection longer than oauth2-proxy", () => {
    expect(TIMEOUTS.serverKeepAlive).toBeGreaterThan(TIMEOUTS.upstreamIdle);
  });

  test("a worker has as long to answer as ECS gives the container", () => {
    const { interval, retries } = mlflowContainer({
      backendStore: {},
    } as Parameters<typeof mlflowContainer>[0]).healthCheck!;
    expect(TIMEOUTS.workerHealth).toBe(interval * retries);
  });

  test("a task has as long to stop as Fargate gives", () => {
    expect(CONFINED.stopTimeout).toBe(120);
  });

  test("what is under way has longer to end while no new requests come than after the signal to stop", () => {
    expect(TIMEOUTS.deregistrationDelay).toBeGreaterThan(TIMEOUTS.stop);
  });
});
