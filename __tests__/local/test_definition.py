import unittest

from local.tasks.definition import containers, loopback_ports, moving, secret_reference

TASK = {
    "containerDefinitions": [
        {
            "name": "mlflow",
            "image": "image",
            "entryPoint": ["sh", "-c"],
            "command": ["exec mlflow server --port 4180 --db mysql://user@db.rds.amazonaws.com:3306/mlflow"],
            "environment": [
                {"name": "PORT", "value": "4180"},
                {"name": "ALLOWED_HOSTS", "value": "mlflow.demo.localhost:8443,localhost:4180,127.0.0.1:4180"},
                {"name": "TIMEOUT", "value": "41800"},
            ],
            "secrets": [{"name": "DB_PASSWORD", "valueFrom": "arn:aws:secretsmanager:eu-west-1:1:secret:mlflow/pw-a"}],
            "healthCheck": {"command": ["CMD-SHELL", "curl http://127.0.0.1:4180/health"], "interval": 10},
        },
        {
            "name": "proxy",
            "image": "image",
            "essential": False,
            "command": ["--http-address=0.0.0.0:8080", "--redirect-url=https://mlflow.demo.localhost:8443/callback"],
            "dependsOn": [{"containerName": "mlflow", "condition": "HEALTHY"}],
            "portMappings": [{"containerPort": 8080}],
        },
    ]
}


class TheTaskDefinition(unittest.TestCase):
    def test_gets_the_defaults_of_ECS(self) -> None:
        mlflow, proxy = containers(TASK)
        self.assertTrue(mlflow.essential)
        self.assertFalse(proxy.essential)
        self.assertEqual(30, mlflow.stop_timeout)
        assert mlflow.health_check
        self.assertEqual((10, 5, 3, 0), (mlflow.health_check.interval, mlflow.health_check.timeout, mlflow.health_check.retries, mlflow.health_check.start_period))
        self.assertIsNone(proxy.health_check)

    def test_runs_a_shell_check_by_the_shell(self) -> None:
        check = containers(TASK)[0].health_check
        assert check
        self.assertEqual(("/bin/sh", "-c", "curl http://127.0.0.1:4180/health"), check.command)

    def test_names_its_ports_but_not_those_of_other_hosts(self) -> None:
        self.assertEqual({4180, 8080}, loopback_ports(containers(TASK)))


class MovedPorts(unittest.TestCase):
    def setUp(self) -> None:
        change = moving({4180: 50001, 8080: 50002}, {("db.rds.amazonaws.com", 3306): 50003})
        self.mlflow, self.proxy = (one.rewritten(change) for one in containers(TASK))

    def test_move_in_commands_environment_and_checks(self) -> None:
        self.assertIn("--port 50001", self.mlflow.command[0])
        self.assertEqual("50001", self.mlflow.environment["PORT"])
        self.assertEqual(("--http-address=0.0.0.0:50002"), self.proxy.command[0])
        assert self.mlflow.health_check
        self.assertIn("127.0.0.1:50001/health", self.mlflow.health_check.command[2])

    def test_lead_to_the_local_database(self) -> None:
        self.assertIn("mysql://user@127.0.0.1:50003/mlflow", self.mlflow.command[0])

    def test_leave_the_ports_of_other_hosts_and_other_numbers_alone(self) -> None:
        self.assertEqual("mlflow.demo.localhost:8443,localhost:50001,127.0.0.1:50001", self.mlflow.environment["ALLOWED_HOSTS"])
        self.assertEqual("41800", self.mlflow.environment["TIMEOUT"])
        self.assertIn("demo.localhost:8443", self.proxy.command[1])


class ASecretReference(unittest.TestCase):
    ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mlflow/store-AbCdEf"

    def test_is_a_whole_secret(self) -> None:
        self.assertEqual((self.ARN, None), secret_reference(self.ARN))

    def test_or_a_key_of_its_JSON(self) -> None:
        self.assertEqual((self.ARN, "password"), secret_reference(f"{self.ARN}:password::"))


if __name__ == "__main__":
    unittest.main()
