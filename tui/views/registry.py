"""All views but home, in the order of their keys."""

from __future__ import annotations

from typing import Final

from tui.views.census import MEMORY
from tui.views.diagnosis import DIAGNOSIS
from tui.views.ledger import LEDGER
from tui.views.letters import LETTERS
from tui.views.log import LOG
from tui.views.records import RECORDS
from tui.views.settings import SETTINGS
from tui.views.stage import STAGE
from tui.views.timeline import TIMELINE

VIEWS: Final = {
    view.id: view for view in (STAGE, LEDGER, MEMORY, RECORDS, LETTERS, TIMELINE, DIAGNOSIS, LOG, SETTINGS)
}
