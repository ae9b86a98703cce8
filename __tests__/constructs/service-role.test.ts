import { ServiceRole } from "../../constructs/service-role";
import { testStack } from "../support/stack";
import { decode, Template } from "../support/template";

describe("a service role", () => {
  const stack = testStack();
  new ServiceRole(stack, "role", {
    name: "oauth2-mlflow-task",
    service: "ecs-tasks.amazonaws.com",
    statements: [{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::bucket/*"] }],
  });
  const template = Template.of(stack);

  test("is taken by its service alone", () => {
    const role = template.resource("aws_iam_role");
    expect(role.name).toBe("oauth2-mlflow-task");
    expect(decode(role.assume_role_policy)).toEqual({
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "ecs-tasks.amazonaws.com" } },
      ],
    });
  });

  test("allows its statements, no more", () => {
    expect(template.statements("aws_iam_role_policy")).toEqual([
      { Effect: "Allow", Action: ["s3:GetObject"], Resource: ["arn:aws:s3:::bucket/*"] },
    ]);
    expect(template.resource("aws_iam_role_policy").role).toBe(template.ref("aws_iam_role", "", "id"));
  });
});
