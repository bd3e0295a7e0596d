"""The style sheet: grounds, borders and the one-line frames of the panels."""

from __future__ import annotations

from typing import Final

CSS: Final = """
Screen { background: $background; color: $foreground; layers: base; overflow: hidden; }
Panel { background: $background; height: 1; overflow-x: hidden; scrollbar-size-vertical: 1; padding: 0 1; }
Panel.titled {
    border-top: solid $border;
    border-title-color: $secondary;
    border-title-style: bold;
}
Panel.titled:focus { border-top: heavy $primary; border-title-color: $primary; }
#header { height: 2; padding: 0; overflow: hidden; }
#verdict, #board, #view, #tabs, #banners { padding: 0; }
#tabs { overflow: hidden; background: $surface; }
#banners { overflow: hidden; }
#view { height: 1fr; scrollbar-gutter: stable; }
#prompt { dock: bottom; height: 1; margin-bottom: 1; background: $surface; padding: 0 1; }
#prompt-label { color: $primary; height: 1; }
#prompt-input { width: 1fr; background: $surface; color: $foreground; }
#figures { height: 7; }
#figures > Panel { height: 100%; }
#metrics { width: 3fr; }
#rates { width: 2fr; margin-left: 1; }
#memory { width: 2fr; margin-left: 1; }
#events { height: 1fr; scrollbar-gutter: stable; }
#summary { height: 1fr; padding: 0; }
#card { height: 1fr; padding: 0; overflow: hidden; }
#footer { dock: bottom; height: 1; padding: 0; background: $surface; overflow: hidden; }

ModalScreen { align: center middle; background: $background 70%; }
PageScreen > Panel {
    width: 90%; max-width: 100; height: 90%; padding: 0 2; scrollbar-gutter: stable;
    border: round $primary; background: $surface; border-title-color: $primary;
    border-subtitle-color: $secondary;
}
ChoiceScreen > OptionList {
    width: 54; height: auto; max-height: 90%; padding: 0 1;
    border: round $primary; background: $surface; border-title-color: $primary;
    border-subtitle-color: $secondary;
}
FaultScreen > #fault {
    width: 90%; max-width: 100; height: auto; max-height: 90%; padding: 0 1;
    border: round $primary; background: $surface; border-title-color: $primary;
    border-subtitle-color: $secondary;
}
FaultScreen Input { background: $surface; }
FaultScreen Input:focus { background: $background; }
FaultScreen #fault-list { height: auto; max-height: 16; border: none; padding: 0; background: $surface; }
FaultScreen #fault-form { height: auto; max-height: 16; overflow-y: auto; }
FaultScreen .fault-row { height: 1; }
FaultScreen .fault-name { width: 14; color: $secondary; }
FaultScreen .fault-param { width: 22; }
FaultScreen .fault-help { width: 1fr; color: $secondary; margin-left: 1; }
FaultScreen #fault-told { color: $warning; height: auto; margin-top: 1; }
Input > .input--placeholder, Input > .input--suggestion { color: $secondary; text-style: not dim; }
CommandPalette > .command-palette--help-text { color: $secondary; text-style: not dim; }
Toast { background: $surface; width: 46; max-width: 80%; padding: 0 1; margin-top: 0; }

/* NO_COLOR: the filter takes every colour out, so what is on top needs a frame of its own. */
.plain #footer, .plain #tabs, .plain #prompt { background: transparent; }

/* Terminals that show only ASCII. */
.ascii Panel.titled, .ascii Panel.titled:focus { border-top: ascii $border; }
.ascii PageScreen > Panel, .ascii ChoiceScreen > OptionList, .ascii FaultScreen > #fault {
    border: ascii $primary;
}
.ascii Panel, .ascii OptionList, .ascii #fault-form, .ascii CommandList,
.ascii ToastRack { scrollbar-size: 0 0; }
.ascii Toast { border: none; }
.ascii SearchIcon { display: none; }
.ascii CommandPalette #--input { border: none; }
.ascii CommandList { border: none; }
.ascii CommandPalette LoadingIndicator { display: none; }
"""
