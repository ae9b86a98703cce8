import { IamRole } from "@cdktf/provider-aws/lib/iam-role";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy";
import { Construct } from "constructs";
import { toTerraformJson } from "./containers/terraform-json";

/** One statement that allows something. */
export interface Statement {
  /** IAM actions. */
  readonly actions: readonly string[];
  /** ARNs that they are allowed on. */
  readonly resources: readonly string[];
}

/** What an AWS service may do for us. */
export interface ServiceRoleProps {
  /** The role's name. */
  readonly name: string;
  /** The service that takes the role, such as `ecs-tasks.amazonaws.com`. */
  readonly service: string;
  /** What the role allows. */
  readonly statements: readonly Statement[];
}

/** An IAM role for an AWS service, with one inline policy. */
export class ServiceRole extends Construct {
  /** The role's ARN. */
  public readonly arn: string;
  /** The role's name. */
  public readonly roleName: string;

  public constructor(scope: Construct, id: string, { name, service, statements }: ServiceRoleProps) {
    super(scope, id);
    const role = new IamRole(this, "role", {
      name,
      assumeRolePolicy: policy([
        { Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: service } },
      ]),
    });
    new IamRolePolicy(this, "policy", {
      name,
      role: role.id,
      policy: policy(statements.map((s) => ({ Effect: "Allow", Action: s.actions, Resource: s.resources }))),
    });
    this.arn = role.arn;
    this.roleName = role.name;
  }
}

function policy(statements: readonly object[]): string {
  return toTerraformJson({ Version: "2012-10-17", Statement: statements });
}
