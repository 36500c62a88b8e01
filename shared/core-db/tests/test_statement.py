import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro_core_db._statement import OPERATIONS, summary


@pytest.mark.parametrize(
    ("statement", "name", "text"),
    [
        ("SELECT * FROM orders WHERE id = $1", "SELECT orders", "SELECT * FROM orders WHERE id = $1"),
        (
            "select a.b from shop.orders where c = 'it''s' -- why\n",
            "SELECT shop.orders",
            "select a.b from shop.orders where c = ? ?",
        ),
        ('INSERT INTO "orders" (n) VALUES (:n, -1.5e3)', "INSERT orders", 'INSERT INTO "orders" (n) VALUES (:n, -?)'),
        ("DELETE FROM ONLY t1 WHERE a=0xFF", "DELETE t1", "DELETE FROM ONLY t1 WHERE a=?"),
        ("UPDATE t SET a = $$x'y$$, b = $tag$ z $tag$, c = E'\\'q'", "UPDATE t", "UPDATE t SET a = ?, b = ?, c = ?"),
        ("UPDATE t SET path = 'C:\\', pw = 'hunter2'", "UPDATE t", "UPDATE t SET path = ?, pw = ?"),
        ("SELECT date'2026\\', e'\\'', x'\\', 'hunter2'", "SELECT", "SELECT date?, ?, ?, ?"),
        ("/* who */ VACUUM", "OTHER", "? VACUUM"),
        ("SELECT 'never closed", "SELECT", "SELECT ?"),
        ("", "OTHER", ""),
    ],
)
def test_what_is_told_of_a_statement(statement: str, name: str, text: str) -> None:
    """Kind, table and text; literals of every form are left out."""
    told = summary(statement)
    assert (told.name, told.text) == (name, text)


def test_long_statements_are_cut() -> None:
    """No more than two thousand characters of a statement are told."""
    assert len(summary("SELECT " + "a, " * 2_000).text) == 2_001


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_no_literal_is_told(secret: str) -> None:
    """Whatever a text literal holds, nothing of it is told, and the kind is one of a few."""
    literal = secret.replace("'", "''")
    told = summary(f"UPDATE t SET a = 'x{literal}', c = 'y{literal}' WHERE b = $1")
    assert told.text == "UPDATE t SET a = ?, c = ? WHERE b = $1"
    assert told.operation in OPERATIONS
    assert summary(secret).operation in {*OPERATIONS, "OTHER"}
