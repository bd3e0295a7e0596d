"""How the HTML report looks: light, dark, and on paper. Text has a contrast of 4.5 to 1 or more."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ink: #1c1e21; --soft: #5a6068; --ground: #ffffff; --panel: #f3f4f6;
  --line: #d5d8dd; --good: #1a7f37; --warn: #9a6700; --bad: #b42318; --busy: #0072b2; --blocked: #b45309;
  --c0: #0072b2; --c1: #d55e00; --c2: #00805e; --c3: #b05590; --c4: #8a6d00;
  --c5: #2a7fb0; --fault: #6b5bd2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #a3aab3; --ground: #14171a;
  --panel: #1f2327; --line: #3a4047; --good: #4ac26b; --warn: #e3b341; --bad: #ff7b72; --busy: #6ea8fe;
  --blocked: #f0a35e; --c0: #56b4e9; --c1: #f08c4b; --c2: #2fc79a; --c3: #e09bc4; --c4: #e6c229;
  --c5: #a8d5f2; --fault: #a99cff; } }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.status { font-weight: 700; } .healthy { color: var(--good); } .degraded, .interrupted { color: var(--warn); }
.unhealthy, .failed { color: var(--bad); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 600; } td { overflow-wrap: break-word; max-width: 36rem; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
figure { margin: 0 0 1rem; padding: .8rem; background: var(--panel); border-radius: .4rem;
  border: 1px solid var(--line); }
figcaption { font-weight: 600; font-size: .9rem; } figure p { margin: 0; font-size: .85rem; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--soft); font-size: 13px; }
polyline, .key line { fill: none; stroke-width: 1.8; stroke-linejoin: round; } .grid { stroke: var(--line); }
.l0 { stroke: var(--c0); } .l1 { stroke: var(--c1); } .l2 { stroke: var(--c2); } .l3 { stroke: var(--c3); }
.l4 { stroke: var(--c4); } .l5 { stroke: var(--c5); }
rect.warning { fill: var(--warn); } rect.critical { fill: var(--bad); } rect.fault { fill: var(--fault); }
rect.band { opacity: .18; } .legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .2rem 0 0;
  padding: 0; list-style: none; font-size: .85rem; } .key { display: inline-block; width: 36px; height: 8px;
  margin-right: .4rem; vertical-align: middle; }
.bar { display: flex; height: .7rem; width: 12rem; background: var(--line); }
.bar i { background: var(--busy); } .bar b { background: var(--blocked); }
pre { padding: .8rem; background: var(--panel); overflow-x: auto; font-size: .85rem; }
p.soft { color: var(--soft); }
@media print { :root { --ground: #ffffff; --panel: #ffffff; --ink: #000000; --soft: #333333; --line: #999999;
  --c0: #0072b2; --c1: #d55e00; --c2: #00805e; --c3: #b05590; --c4: #8a6d00;
  --c5: #2a7fb0; --fault: #6b5bd2; }
  body { margin: 0; max-width: none; } figure, tr { break-inside: avoid; } h2 { break-after: avoid; }
  .wide { overflow: visible; } table { font-size: .7rem; } th, td { padding: .2rem .3rem; }
  td { overflow-wrap: anywhere; } * { print-color-adjust: exact; } }
"""
