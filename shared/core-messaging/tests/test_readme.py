import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_readme_works() -> None:
    """The README's example publishes an event, hears it and describes both."""
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "maestro.orders.order.paid 17 17",
        "['orders_ship_maestro_orders_order_paid', 'publish_maestro_orders_order_paid']",
    ]
