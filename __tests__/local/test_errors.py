import tempfile
import unittest
from pathlib import Path

from local.errors import StackError

# As cdktf prints the output of two stacks that are deployed at once.
DEPLOYMENT = """\
dev   \x1b[0m\x1b[1maws_route.private: Creating...\x1b[0m\x1b[0m
dev   \x1b[31m╷\x1b[0m\x1b[0m
      \x1b[31m│\x1b[0m \x1b[0m\x1b[1m\x1b[31mError: \x1b[0m\x1b[0m\x1b[1mcreating Route: RouteAlreadyExists\x1b[0m
      \x1b[31m│\x1b[0m \x1b[0m
      \x1b[31m│\x1b[0m \x1b[0m  with aws_route.private,
      \x1b[31m╵\x1b[0m\x1b[0m
prod  \x1b[33m╷\x1b[0m\x1b[0m
      \x1b[33m│\x1b[0m \x1b[33mWarning: \x1b[0mdeprecated attribute
      \x1b[33m╵\x1b[0m\x1b[0m
prod  Apply complete! Resources: 66 added, 0 changed, 0 destroyed.
Invoking Terraform CLI failed with exit code 1
"""


class AFailure(unittest.TestCase):
    def lines(self, log: str) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "a.log"
            file.write_text(log)
            return StackError("it failed", log=file).lines()[1:-1]

    def test_shows_the_errors_of_terraform_wherever_they_stand(self) -> None:
        told = "\n".join(self.lines(DEPLOYMENT))
        self.assertIn("creating Route: RouteAlreadyExists", told)
        self.assertIn("with aws_route.private", told)
        self.assertNotIn("Warning", told)
        self.assertNotIn("\x1b", told)
        self.assertNotIn("prod", told)

    def test_shows_the_last_lines_of_any_other_log(self) -> None:
        self.assertEqual([f"  | {number}" for number in range(5, 20)], self.lines("".join(f"{n}\n" for n in range(20))))


if __name__ == "__main__":
    unittest.main()
