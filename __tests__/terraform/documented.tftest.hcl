mock_provider "aws" {
  source = "./mocks"

  override_data {
    target = data.aws_secretsmanager_secret.mlflow_secrets_oauth2-client-id_65943C70
    values = { arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:client-id" }
  }
  override_data {
    target = data.aws_secretsmanager_secret.mlflow_secrets_oauth2-client-secret_328C10DC
    values = { arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:client-secret" }
  }
  override_data {
    target = data.aws_secretsmanager_secret.mlflow_secrets_oauth2-cookie-secret_D4F2B895
    values = { arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:cookie-secret" }
  }
  override_data {
    target = data.aws_secretsmanager_secret.mlflow_secrets_store-db-password_4BF569A8
    values = { arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-password" }
  }
}

variables {
  database_password = "correct horse"
}

run "containers_start_in_order_with_their_secrets" {
  module {
    source = "./documented"
  }

  assert {
    condition = [
      for container in jsondecode(aws_ecs_task_definition.mlflow_service_task-definition_C5BC5602.container_definitions) :
      [container.name, container.image, container.essential]
      ] == [
      ["migrate", "ghcr.io/mlflow/mlflow:v3.17.2-full", false],
      ["mlflow", "ghcr.io/mlflow/mlflow:v3.17.2-full", true],
      ["oauth2-proxy", "quay.io/oauth2-proxy/oauth2-proxy:v7.15.4", true],
    ]
    error_message = "the task must have three containers with the pinned images"
  }
  assert {
    condition = [
      for container in jsondecode(aws_ecs_task_definition.mlflow_service_task-definition_C5BC5602.container_definitions) :
      { for secret in container.secrets : secret.name => secret.valueFrom }
      ] == [
      { DB_PASSWORD = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-password" },
      { DB_PASSWORD = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-password" },
      {
        OAUTH2_PROXY_CLIENT_ID     = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:client-id"
        OAUTH2_PROXY_CLIENT_SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:client-secret"
        OAUTH2_PROXY_COOKIE_SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:cookie-secret"
      },
    ]
    error_message = "each container must be given its own secrets, by ARN"
  }
  assert {
    condition = [
      for container in jsondecode(aws_ecs_task_definition.mlflow_service_task-definition_C5BC5602.container_definitions) :
      try(container.dependsOn, [])
      ] == [
      [],
      [{ containerName = "migrate", condition = "SUCCESS" }],
      [{ containerName = "mlflow", condition = "HEALTHY" }],
    ]
    error_message = "mlflow must wait for the migration, and oauth2-proxy for mlflow"
  }
  assert {
    condition = jsondecode(aws_ecs_task_definition.mlflow_service_task-definition_C5BC5602.container_definitions)[1].healthCheck.command == [
      "CMD", "python", "-c", "import urllib.request; urllib.request.urlopen(\"http://127.0.0.1:4180/health\", timeout=4)",
    ]
    error_message = "mlflow's health check must be a Python program in one word"
  }
  assert {
    condition = alltrue([
      for container in slice(jsondecode(aws_ecs_task_definition.mlflow_service_task-definition_C5BC5602.container_definitions), 0, 2) :
      strcontains(container.command[0], "\"mysql+pymysql://ecs_task:$password@mock.cluster-1.eu-west-1.rds.amazonaws.com:3306/mlflow?")
    ])
    error_message = "the shell must compose the URI from the cluster's endpoint and its own variable"
  }
  assert {
    condition = {
      for variable in jsondecode(aws_ecs_task_definition.mlflow_service_task-definition_C5BC5602.container_definitions)[1].environment :
      variable.name => variable.value
    }["MLFLOW_ARTIFACTS_DESTINATION"] == "s3://oauth2-mlflow-artifacts-1a2b3c4d/"
    error_message = "artifacts must go to the bucket"
  }
  assert {
    condition = [
      for container in jsondecode(aws_ecs_task_definition.mlflow_service_task-definition_C5BC5602.container_definitions) :
      container.logConfiguration.options["awslogs-group"]
    ] == ["/aws/ecs/mlflow/oauth2-mlflow", "/aws/ecs/mlflow/oauth2-mlflow", "/aws/ecs/oauth2-proxy/oauth2-mlflow"]
    error_message = "logs must go to the documented groups"
  }
}

run "requests_find_their_way_and_nothing_else_does" {
  command = plan

  module {
    source = "./documented"
  }

  assert {
    condition     = output.mlflow_uri == "https://mlflow.example.com"
    error_message = "the URL must be record and domain"
  }
  assert {
    condition = (
      aws_route53_record.mlflow_dns-record_0BE1AA8D.zone_id == "Z0EXAMPLE" &&
      one(aws_route53_record.mlflow_dns-record_0BE1AA8D.alias).name == "mock-1.eu-west-1.elb.amazonaws.com"
    )
    error_message = "the record must lead to the load balancer"
  }
  assert {
    condition = (
      one(aws_lb_listener.mlflow_load-balancer_http-listener_DBB1A8DF.default_action).type == "redirect" &&
      one(one(aws_lb_listener.mlflow_load-balancer_http-listener_DBB1A8DF.default_action).redirect).status_code == "HTTP_301" &&
      one(one(aws_lb_listener.mlflow_load-balancer_http-listener_DBB1A8DF.default_action).redirect).protocol == "HTTPS" &&
      one(one(aws_lb_listener.mlflow_load-balancer_http-listener_DBB1A8DF.default_action).redirect).port == "443"
    )
    error_message = "HTTP must be redirected to HTTPS"
  }
  assert {
    condition = (
      aws_lb_listener.mlflow_load-balancer_https-listener_106AF26E.certificate_arn == "arn:aws:acm:eu-west-1:111122223333:certificate/found" &&
      one(aws_lb_listener_rule.mlflow_load-balancer_own-host_4B3B9EF7.action).target_group_arn == "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/mock/2" &&
      one(aws_lb_listener_rule.mlflow_load-balancer_own-origin_6432EB12.action).target_group_arn == "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/mock/2" &&
      one(aws_ecs_service.mlflow_service_74AFBF0E.load_balancer).target_group_arn == "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/mock/2"
    )
    error_message = "HTTPS must have the certificate that was found, and lead to the service"
  }
  assert {
    condition = distinct(tolist([
      aws_security_group.mlflow_load-balancer_security-group_51DB6E37.id,
      aws_security_group.mlflow_service_security-group_A0BA25E6.id,
      aws_security_group.mlflow_backend-store_security-group_48F7CBCA.id,
      ])) == tolist([
      one(aws_lb.mlflow_load-balancer_0ACCF72D.security_groups),
      one(one(aws_ecs_service.mlflow_service_74AFBF0E.network_configuration).security_groups),
      one(aws_rds_cluster.mlflow_backend-store_cluster_8AFF62A8.vpc_security_group_ids),
    ])
    error_message = "load balancer, service and database must each have their own security group"
  }
  assert {
    condition = [
      for rule in [
        aws_vpc_security_group_egress_rule.mlflow_load-balancer-to-service-egress_096EE526,
        aws_vpc_security_group_ingress_rule.mlflow_load-balancer-to-service-ingress_4A3A9D08,
        aws_vpc_security_group_egress_rule.mlflow_service-to-database-egress_232AB0CF,
        aws_vpc_security_group_ingress_rule.mlflow_service-to-database-ingress_37AFCD4E,
      ] : [rule.security_group_id, rule.referenced_security_group_id, rule.from_port, rule.to_port]
      ] == [
      [
        aws_security_group.mlflow_load-balancer_security-group_51DB6E37.id,
        aws_security_group.mlflow_service_security-group_A0BA25E6.id, 8080, 8080,
      ],
      [
        aws_security_group.mlflow_service_security-group_A0BA25E6.id,
        aws_security_group.mlflow_load-balancer_security-group_51DB6E37.id, 8080, 8080,
      ],
      [
        aws_security_group.mlflow_service_security-group_A0BA25E6.id,
        aws_security_group.mlflow_backend-store_security-group_48F7CBCA.id, 3306, 3306,
      ],
      [
        aws_security_group.mlflow_backend-store_security-group_48F7CBCA.id,
        aws_security_group.mlflow_service_security-group_A0BA25E6.id, 3306, 3306,
      ],
    ]
    error_message = "only the load balancer may reach the service, and only the service the database"
  }
  assert {
    condition = toset(one(aws_ecs_service.mlflow_service_74AFBF0E.network_configuration).subnets) == toset([
      aws_subnet.mlflow_network_private-subnet-1_B2A8EB0D.id,
      aws_subnet.mlflow_network_private-subnet-2_FF3A06E1.id,
    ])
    error_message = "tasks must run in the private subnets"
  }
  assert {
    condition = (
      aws_appautoscaling_target.mlflow_service_scaling-target_E2D8DE22.resource_id == "service/oauth2-mlflow/oauth2-mlflow" &&
      one(one(aws_appautoscaling_policy.mlflow_service_scaling-requests_6DD6853A.target_tracking_scaling_policy_configuration).predefined_metric_specification).resource_label == "app/mock/1/targetgroup/mock/2"
    )
    error_message = "autoscaling must watch this service behind this load balancer"
  }
}

run "the_database_keeps_its_password_to_itself" {
  command = plan

  module {
    source = "./documented"
  }

  assert {
    condition = (
      aws_rds_cluster.mlflow_backend-store_cluster_8AFF62A8.master_password_wo == null &&
      aws_rds_cluster.mlflow_backend-store_cluster_8AFF62A8.master_password == null &&
      aws_rds_cluster.mlflow_backend-store_cluster_8AFF62A8.master_password_wo_version == 1
    )
    error_message = "the state must not hold the password"
  }
  assert {
    condition = (
      one(aws_rds_cluster.mlflow_backend-store_cluster_8AFF62A8.serverlessv2_scaling_configuration).min_capacity == 0 &&
      one(aws_rds_cluster.mlflow_backend-store_cluster_8AFF62A8.serverlessv2_scaling_configuration).max_capacity == 4 &&
      one(aws_rds_cluster.mlflow_backend-store_cluster_8AFF62A8.serverlessv2_scaling_configuration).seconds_until_auto_pause == 300 &&
      aws_rds_cluster_instance.mlflow_backend-store_instance_B9DB8205.instance_class == "db.serverless" &&
      aws_rds_cluster_instance.mlflow_backend-store_instance_B9DB8205.engine == "aurora-mysql"
    )
    error_message = "the database must pause after five minutes and grow to 4 ACU"
  }
  assert {
    condition = (
      aws_rds_cluster.mlflow_backend-store_cluster_8AFF62A8.storage_encrypted &&
      aws_rds_cluster.mlflow_backend-store_cluster_8AFF62A8.deletion_protection &&
      aws_rds_cluster.mlflow_backend-store_cluster_8AFF62A8.final_snapshot_identifier == "oauth2-mlflow-final" &&
      aws_rds_cluster.mlflow_backend-store_cluster_8AFF62A8.backup_retention_period == 14
    )
    error_message = "the database must be encrypted, protected and backed up"
  }
  assert {
    condition = aws_db_subnet_group.mlflow_backend-store_subnet-group_FCE5040F.subnet_ids == toset([
      aws_subnet.mlflow_network_database-subnet-1_7CFAEF31.id,
      aws_subnet.mlflow_network_database-subnet-2_312E52C9.id,
    ])
    error_message = "the database must stand in the database subnets"
  }
}

run "roles_allow_what_is_needed" {
  command = plan

  module {
    source = "./documented"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.mlflow_service_execution-role_policy_77C804ED.policy).Statement == [{
      Effect = "Allow"
      Action = ["secretsmanager:GetSecretValue"]
      Resource = [
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:client-id",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:client-secret",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:cookie-secret",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-password",
      ]
    }]
    error_message = "ECS must be allowed to read the four secrets, no more"
  }
  assert {
    condition     = aws_iam_role_policy_attachment.mlflow_service_execution-role-policy_6E104F3C.policy_arn == "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    error_message = "ECS must have its own policy"
  }
  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.mlflow_service_task-role_policy_4A179029.policy).Statement : statement.Resource
    ] == [["arn:aws:s3:::mock"], ["arn:aws:s3:::mock/*"]]
    error_message = "tasks must be allowed to use their bucket, no other"
  }
  assert {
    condition = (
      jsondecode(aws_s3_bucket_policy.mlflow_artifact-store_policy_23A77DC9.policy).Statement[0].Effect == "Deny" &&
      jsondecode(aws_s3_bucket_policy.mlflow_artifact-store_policy_23A77DC9.policy).Statement[0].Resource == ["arn:aws:s3:::mock", "arn:aws:s3:::mock/*"]
    )
    error_message = "the bucket must refuse requests without TLS"
  }
}
