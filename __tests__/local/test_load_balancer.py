import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from local.load_balancer.model import Listener, LoadBalancer, Rule
from local.load_balancer.nginx import render
from local.tasks.targets import matches

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/mlflow/0123456789abcdef"
FORWARD = {"Type": "forward", "TargetGroupArn": GROUP}
REDIRECT = {
    "Type": "redirect",
    "RedirectConfig": {
        "Protocol": "HTTPS", "Port": "8443", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}", "StatusCode": "HTTP_301",
    },
}
REFUSE = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "403", "MessageBody": 'no "$x"', "ContentType": "text/plain"}}
ADMIN = Rule(({"Field": "path-pattern", "PathPatternConfig": {"Values": ["/admin/*"]}}, {"Field": "host-header", "HostHeaderConfig": {"Values": ["*.demo.localhost"]}}), REFUSE)


def configuration(*listeners: Listener, targets: dict | None = None, folder: Path = Path("/run"), idle_timeout: int = 300) -> str:
    one = LoadBalancer("mlflow", ("mlflow.demo.localhost",), idle_timeout, True, True, listeners)
    return render([one], targets or {}, {}, folder, folder)


class TheLoadBalancer(unittest.TestCase):
    def test_forwards_to_the_healthy_targets(self) -> None:
        text = configuration(Listener(8088, None, (), (), FORWARD), targets={GROUP: [("127.0.0.1", 5001), ("127.0.0.1", 5002)]})
        self.assertIn("server 127.0.0.1:5001 max_fails=0;", text)
        self.assertIn("server 127.0.0.1:5002 max_fails=0;", text)
        self.assertIn("proxy_pass http://$group;", text)

    def test_answers_503_without_a_healthy_target(self) -> None:
        text = configuration(Listener(8088, None, (), (), FORWARD), targets={GROUP: []})
        self.assertIn("return 503;", text)
        self.assertNotIn("proxy_pass", text)

    def test_redirects_as_the_listener_says(self) -> None:
        text = configuration(Listener(8088, None, (), (), REDIRECT))
        self.assertIn('return 301 "https://$host:8443$request_path$is_args$args";', text)

    def test_waits_as_long_as_the_idle_timeout(self) -> None:
        text = configuration(Listener(8088, None, (), (), FORWARD), idle_timeout=77)
        self.assertIn("proxy_read_timeout 77s;", text)

    def test_treats_hosts_that_DNS_does_not_know_as_its_rules_say(self) -> None:
        _, others = configuration(Listener(8088, None, (), (ADMIN,), REFUSE)).split("listen 127.0.0.1:8088 default_server;")
        self.assertIn("server_name _;", others)
        self.assertIn("if ($host ~", others)
        self.assertIn("if ($action = default)", others)

    def test_takes_a_missing_header_for_no_match(self) -> None:
        any_origin = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "Origin", "Values": ["*"]}}
        text = configuration(Listener(8088, None, (), (Rule((any_origin,), REFUSE),), FORWARD))
        self.assertIn('if ($http_origin ~ "(?i)(?=.)^(.*)$")', text)

    def test_refuses_an_action_that_it_does_not_know(self) -> None:
        with self.assertRaisesRegex(ValueError, "authenticate-oidc"):
            configuration(Listener(8088, None, (), (), {"Type": "authenticate-oidc"}))

    @unittest.skipUnless(shutil.which("nginx"), "nginx is not installed")
    def test_is_understood_by_nginx(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            listeners = (Listener(8088, None, (), (ADMIN,), FORWARD), Listener(8089, None, (), (), REDIRECT))
            text = configuration(*listeners, targets={GROUP: [("127.0.0.1", 5001)]}, folder=folder)
            (folder / "nginx.conf").write_text(text)
            command = ["nginx", "-t", "-p", name, "-e", "stderr", "-c", str(folder / "nginx.conf")]
            answer = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual(0, answer.returncode, answer.stderr)


class AMatcher(unittest.TestCase):
    def test_knows_ranges_and_lists(self) -> None:
        self.assertTrue(matches("200-202", 201))
        self.assertTrue(matches("200,301", 301))
        self.assertFalse(matches("200-202,301", 302))


if __name__ == "__main__":
    unittest.main()
