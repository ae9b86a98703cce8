mock_provider "aws" {
  source = "./mocks"
}

variables {
  database_password = "correct horse"
}

run "the_stack_stands_in_the_existing_network" {
  module {
    source = "./existing-vpc"
  }

  assert {
    condition = (
      output.vpc_id == "vpc-0a1b2c3d4e5f60718" &&
      aws_security_group.mlflow_service_security-group_A0BA25E6.vpc_id == "vpc-0a1b2c3d4e5f60718" &&
      aws_lb_target_group.mlflow_load-balancer_target-group_582AF5E2.vpc_id == "vpc-0a1b2c3d4e5f60718"
    )
    error_message = "everything must stand in the existing VPC"
  }
  assert {
    condition = (
      aws_lb.mlflow_load-balancer_0ACCF72D.internal &&
      aws_lb.mlflow_load-balancer_0ACCF72D.subnets == toset(["subnet-0a1b2c3d4e5f60721", "subnet-0a1b2c3d4e5f60722"]) &&
      aws_db_subnet_group.mlflow_backend-store_subnet-group_FCE5040F.subnet_ids == toset(["subnet-0a1b2c3d4e5f60731", "subnet-0a1b2c3d4e5f60732"])
    )
    error_message = "load balancer and database must stand in the given subnets"
  }
  assert {
    condition     = aws_lb_listener.mlflow_load-balancer_https-listener_106AF26E.certificate_arn == "arn:aws:acm:eu-west-1:111122223333:certificate/2f6a0b1c-3d4e-4f50-8a6b-7c8d9e0f1a2b"
    error_message = "HTTPS must have the given certificate"
  }
  assert {
    condition     = contains(jsondecode(aws_ecs_task_definition.mlflow_service_task-definition_C5BC5602.container_definitions)[2].command, "--oidc-issuer-url=https://login.example.com")
    error_message = "the company's identity provider must log people in"
  }
}
