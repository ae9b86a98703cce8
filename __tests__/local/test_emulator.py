import os
import unittest

from local.emulator import Emulator
from local.settings import EMULATOR_PORT
from werkzeug.test import Client, TestResponse

SIGNED = "AWS4-HMAC-SHA256 Credential=key/20260101/eu-west-1/ec2/aws4_request, SignedHeaders=host, Signature=none"


class ARepeatedCall(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        os.environ["MOTO_PORT"] = str(EMULATOR_PORT)
        cls.client = Client(Emulator())

    def create_key_pair(self, name: str, invocation: str) -> TestResponse:
        headers = {"Authorization": SIGNED, "Amz-Sdk-Invocation-Id": invocation}
        return self.client.post("/", headers=headers, data={"Action": "CreateKeyPair", "KeyName": name})

    def test_gets_the_answer_of_the_first_attempt(self) -> None:
        first, repeated = (self.create_key_pair("one", "1") for _ in range(2))
        self.assertEqual((200, first.data), (repeated.status_code, repeated.data))

    def test_is_refused_when_it_is_another_call(self) -> None:
        first, other = (self.create_key_pair("two", invocation) for invocation in ("2", "3"))
        self.assertEqual((200, 400), (first.status_code, other.status_code))
        self.assertIn(b"InvalidKeyPair.Duplicate", other.data)


if __name__ == "__main__":
    unittest.main()
