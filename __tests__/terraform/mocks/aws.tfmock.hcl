# What AWS would answer: the provider insists on well-formed ARNs, and the tests tell one secret from the other by them.
mock_data "aws_partition" {
  defaults = { partition = "aws" }
}
mock_data "aws_acm_certificate" {
  defaults = { arn = "arn:aws:acm:eu-west-1:111122223333:certificate/found" }
}
mock_data "aws_route53_zone" {
  defaults = { zone_id = "Z0EXAMPLE" }
}
mock_data "aws_secretsmanager_secret" {
  defaults = { arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:unnamed" }
}
mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::111122223333:role/mock" }
}
mock_resource "aws_s3_bucket" {
  defaults = { arn = "arn:aws:s3:::mock" }
}
mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:eu-west-1:111122223333:log-group:mock" }
}
mock_resource "aws_lb" {
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/mock/1"
    arn_suffix = "app/mock/1"
    dns_name   = "mock-1.eu-west-1.elb.amazonaws.com"
  }
}
mock_resource "aws_lb_target_group" {
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/mock/2"
    arn_suffix = "targetgroup/mock/2"
  }
}
mock_resource "aws_lb_listener" {
  defaults = { arn = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/mock/1/3" }
}
mock_resource "aws_ecs_cluster" {
  defaults = { arn = "arn:aws:ecs:eu-west-1:111122223333:cluster/mock" }
}
mock_resource "aws_ecs_task_definition" {
  defaults = { arn = "arn:aws:ecs:eu-west-1:111122223333:task-definition/mock:1" }
}
mock_resource "aws_rds_cluster" {
  defaults = { endpoint = "mock.cluster-1.eu-west-1.rds.amazonaws.com" }
}
