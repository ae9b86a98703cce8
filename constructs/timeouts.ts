/**
 * How long each part waits, in seconds, from front to back. Two rules tie them: who waits for an answer in front waits
 * longer than who waits behind it, so that the one nearest to the cause says what happened; and a server keeps a silent
 * connection longer than the client in front of it, or the client sends a request into a connection that is being closed
 * and answers 502. oauth2-proxy never closes a silent connection of the load balancer (its server has no idle timeout).
 */
export const TIMEOUTS = {
  /** The load balancer closes a connection on which nothing has moved; one that is slow stays. */
  loadBalancerIdle: 600,
  /**
   * oauth2-proxy waits for MLflow's answer from the last byte of the request on: after an upload MLflow writes to S3,
   * before a download it reads the whole artifact from there.
   */
  upstreamResponse: 590,
  /** oauth2-proxy closes a silent connection to MLflow: Go's `http.DefaultTransport`, which it has no option for. */
  upstreamIdle: 90,
  /** uvicorn closes a silent connection. Its default of 5 is shorter than oauth2-proxy's. */
  serverKeepAlive: 120,
  /**
   * uvicorn kills a worker, with all requests in it, that does not answer for this long: as long as ECS waits until it
   * calls the container unhealthy. Its default is 5.
   */
  workerHealth: 30,
  /** A task that is replaced gets no new requests, and has this long for those under way before it is told to stop. */
  deregistrationDelay: 300,
  /** Between SIGTERM and SIGKILL; the most that Fargate gives. */
  stop: 120,
} as const;
