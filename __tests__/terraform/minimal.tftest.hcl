mock_provider "aws" {
  source = "./mocks"
}

variables {
  database_password = "correct horse"
}

run "the_stack_does_without_a_nat_gateway_and_leaves_nothing_behind" {
  module {
    source = "./minimal"
  }

  assert {
    condition = (
      one(aws_ecs_service.mlflow_service_74AFBF0E.network_configuration).assign_public_ip &&
      toset(one(aws_ecs_service.mlflow_service_74AFBF0E.network_configuration).subnets) == toset([
        aws_subnet.mlflow_network_public-subnet-1_AE31DA88.id,
        aws_subnet.mlflow_network_public-subnet-2_A7236FCF.id,
      ])
    )
    error_message = "tasks must run in the public subnets with public addresses"
  }
  assert {
    condition = (
      aws_s3_bucket.mlflow_artifact-store_bucket_4499EB1F.bucket == "oauth2-mlflow-artifacts-acme-trial" &&
      aws_s3_bucket.mlflow_artifact-store_bucket_4499EB1F.force_destroy &&
      aws_rds_cluster.mlflow_backend-store_cluster_8AFF62A8.skip_final_snapshot &&
      !aws_rds_cluster.mlflow_backend-store_cluster_8AFF62A8.deletion_protection
    )
    error_message = "bucket and database must go with the stack"
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.mlflow_service_task-definition_C5BC5602.container_definitions)[1].memory == 1792
    error_message = "MLflow must get what oauth2-proxy leaves of the task's memory"
  }
}
