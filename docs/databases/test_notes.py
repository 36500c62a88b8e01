"""Tests of notes-service on PostgreSQL."""

from notes_service import NotesServiceConfig, create_app

from maestro_core_api.testing import APITestCase
from maestro_core_db.testing import temporary_postgres


class NotesTest(APITestCase):
    """What notes-service does."""

    @classmethod
    def setUpClass(cls) -> None:
        """Open the service on an empty database."""
        super().setUpClass()
        cls.setup_test_db(temporary_postgres())
        cls.app = create_app(
            NotesServiceConfig(database_url=cls.database_url, jwt_secret="4fK2vQ9xTzW8mB3nR7yL-4fK2vQ9xTzW8")
        )

    def setUp(self) -> None:
        """Begin without rows."""
        super().setUp()
        self.reset_test_state()

    def test_a_note_is_kept(self) -> None:
        """What was written is read."""
        note_id = self.client.post("/notes", params={"text": "milk"}).json()["id"]
        assert self.client.get("/notes").json() == {"notes": ["milk"]}
        change = {"text": "bread", "version": "1"}
        assert self.client.put(f"/notes/{note_id}", params=change).json() == {"version": 2}
        assert self.client.put(f"/notes/{note_id}", params=change).status_code == 412

    def test_no_note_is_left_from_another_test(self) -> None:
        """Rows are gone, and the tables stay."""
        assert self.client.get("/notes").json() == {"notes": []}
