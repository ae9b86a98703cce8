"""The containers' own commands against a real MySQL-compatible server: passwords of every kind, migrations at once.

Run by the local stack's Python: `PYTHONPATH=. .local/venv/bin/python __tests__/e2e/test_backend_store.py`
"""

import asyncio
import unittest

from backend_store import BackendStoreCase

PASSWORDS = {
    "as RDS generates it": "aZ09!#$&*()-_=+[]{}<>:?",
    "quotes": """it's "quoted" `here`""",
    "a shell would run it": "$(id) `id` ${HOME} $HOME ; id | id && id > x",
    "parts of a URI": "user:pw@host:3306/db?x=y&z#frag%41%%",
    "spaces at both ends": "  a b  ",
    "backslashes": "\\n\\\\'\\\"",
    "Latin-1": "Grüße-à-l'été",
    "beyond Latin-1": "密码-пароль-🔑-€",
    "200 characters": "x%" * 100,
}

CONNECT = "import os, sqlalchemy; print(sqlalchemy.create_engine(os.environ['MLFLOW_BACKEND_STORE_URI']).connect().scalar(sqlalchemy.text('SELECT CURRENT_USER()')))"


class BackendStoreTest(BackendStoreCase):
    async def test_any_password_reaches_the_database(self) -> None:
        for kind, password in PASSWORDS.items():
            with self.subTest(kind):
                await self.password(password)
                code, output = await self.run_container("mlflow", password, instead=CONNECT)
                self.assertEqual((code, output.strip()), (0, "ecs_task@%"), output)

    async def test_a_wrong_password_is_refused(self) -> None:
        await self.password("right")
        code, output = await self.run_container("mlflow", "wrong", instead=CONNECT)
        self.assertNotEqual(code, 0)
        self.assertIn("Access denied", output)

    async def test_tasks_that_start_at_once_on_an_empty_database_all_come_up(self) -> None:
        password = "a b%c"
        await self.password(password)
        results = await asyncio.gather(*(self.run_container("migrate", password) for _ in range(3)))
        self.assertEqual([code for code, _ in results], [0, 0, 0], "\n".join(output for _, output in results))
        created = [output for _, output in results if "Creating initial MLflow database tables" in output]
        self.assertEqual(len(created), 1)
        code, output = await self.run_container("migrate", password)
        self.assertEqual(code, 0, output)


if __name__ == "__main__":
    unittest.main()
