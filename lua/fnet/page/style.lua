--- The look of a page of report.page: light and dark, wide and narrow, on paper. The colours of curves are those of
-- every other medium, from colours.lua.

local colours = require "fnet.chart.colours"
local parts = require "fnet.page.parts"

local STYLE = [[

:root {
  color-scheme: light dark;
  --text: #1c2024; --soft: #5c6570; --page: #ffffff; --box: #f5f6f8; --line: #dde1e6; --link: #0b5cad;
  --right: 47, 127, 193; --wrong: 213, 94, 0;
}
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e7eb; --soft: #a0a9b4; --page: #15181c; --box: #1e2328; --line: #363d46; --link: #7db8f2; }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0 auto; max-width: 68rem; padding: 2.5rem 1.5rem 5rem; color: var(--text); background: var(--page);
  font: 1rem/1.55 system-ui, sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 1.2rem; font-weight: 650; letter-spacing: -0.01em; }
h2 { font-size: 1.35rem; line-height: 1.25; margin: 0 0 0.5rem; font-weight: 620; }
h3, h4 { font-size: 1rem; line-height: 1.3; margin: 0; font-weight: 600; }
h4 { margin-bottom: 0.4rem; }
section { margin: 3.2rem 0 0; scroll-margin-top: 1rem; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
.note { color: var(--soft); max-width: 46rem; margin: 0 0 1.1rem; }
code, pre { font: 0.86rem/1.5 ui-monospace, Menlo, Consolas, monospace; }
pre { background: var(--box); padding: 1rem 1.2rem; border-radius: 8px; overflow-x: auto; tab-size: 4; }
code { overflow-wrap: anywhere; }
pre code { overflow-wrap: normal; }
ul { list-style: none; margin: 0; padding: 0; }
.sheet { position: absolute; }
.wide { overflow-x: auto; }
summary { cursor: pointer; color: var(--link); width: fit-content; }
details { margin-top: 1.2rem; }
details > :not(summary) { margin-top: 0.8rem; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 4px; }
button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; }

.tiles { display: flex; flex-wrap: wrap; gap: 1.2rem 3rem; margin: 0; }
.tiles div { display: flex; flex-direction: column; }
.tiles dd { margin: 0; font-size: 1.7rem; line-height: 1.2; font-weight: 600; }
.tiles dt { color: var(--soft); font-size: 0.9rem; }
nav { margin: 1.8rem 0 0; padding: 0.8rem 0; border: solid var(--line); border-width: 1px 0; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.3rem 1.5rem; font-size: 0.95rem; }

table { border-collapse: collapse; }
th, td { text-align: left; padding: 0.4rem 1.4rem 0.4rem 0; border-bottom: 1px solid var(--line); font-weight: 400;
  vertical-align: middle; }
thead th { color: var(--soft); font-size: 0.88rem; white-space: nowrap; vertical-align: bottom; }
.number, .figures td { text-align: right; white-space: nowrap; }
.figures th, .figures td { padding: 0.2rem 1.2rem 0.2rem 0; font-size: 0.9rem; }
.figures thead th { text-align: right; }
.figures tbody th { text-align: right; }
.chart { width: 14rem; min-width: 7rem; }
.sort { display: inline-flex; gap: 0.35em; }
.sort:hover { color: var(--link); }
.sort::after { content: "\2195"; opacity: 0.45; }
[aria-sort="ascending"] .sort::after { content: "\2191"; opacity: 1; }
[aria-sort="descending"] .sort::after { content: "\2193"; opacity: 1; }
.interval { display: block; width: 100%; height: 1.1rem; }
.interval line { stroke: rgb(var(--right)); stroke-width: 3; stroke-linecap: round; }
.interval .scale { stroke: var(--line); stroke-width: 1; }
.interval circle { fill: rgb(var(--right)); stroke: var(--page); stroke-width: 1.5; }
.pair { display: flex; flex-wrap: wrap; gap: 0 4rem; align-items: flex-start; margin-bottom: 1rem; }
.pair > *, .cell h3, .cards article > div, .curves .key { min-width: 0; overflow-wrap: anywhere; }
.names th { color: var(--soft); min-width: 8rem; max-width: 20rem; }
.names td { overflow-wrap: anywhere; }
.classes th, .classes td, .sweep th, .sweep td { overflow-wrap: break-word; }
.classes tbody th, .sweep tbody th, .sweep tbody td { max-width: 16rem; }

.curves, .cards, div.figures { display: grid; gap: 1.6rem 2.4rem; }
.curves { grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
.cards, div.figures { grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); }
.curves .tools { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 0.5rem; margin-bottom: -0.4rem; }
.curves button, .cell .close {
  border: 1px solid var(--line); border-radius: 6px; padding: 0.15rem 0.7rem; font-size: 0.88rem;
}
.curves button:hover, .cell .close:hover { border-color: var(--link); }
.curves button[aria-pressed="true"] { background: var(--box); border-color: var(--link); }
.curves figure { margin: 0; min-width: 0; }
.curves figure > svg { display: block; max-width: 100%; height: auto; }
.curves figcaption { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.1rem 1.1rem; min-height: 2rem; }
.curves figcaption button { margin-left: auto; }
.curves .key { display: inline-flex; align-items: center; gap: 0.4rem; font-size: 0.9rem; }
.curves .key svg { width: 1.4rem; height: 0.6rem; flex: none; }
.curves .key b { font-weight: 600; flex: none; }
.curves .epoch { color: var(--soft); font-size: 0.9rem; align-self: center; margin-left: 0.4rem; }
.plot { touch-action: pan-y; cursor: crosshair; user-select: none; }
.plot svg { display: block; width: 100%; height: auto; }
.plot text { font-size: 11.5px; fill: var(--soft); }
.plot .grid { stroke: var(--line); stroke-width: 1; }
.plot .base { stroke: var(--soft); stroke-width: 1; }
.plot .mark { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 3; }
.plot .select { fill: var(--link); fill-opacity: 0.14; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.validation { stroke-dasharray: 6 5; }
.test { stroke-dasharray: 1.5 5; }
.band { fill-opacity: 0.16; stroke: none; }
.point { stroke: var(--page); stroke-width: 1; }

.confusion { display: flex; flex-wrap: wrap; gap: 1.5rem 2.5rem; align-items: flex-start; }
.matrix { border-spacing: 2px; border-collapse: separate; font-size: 0.85rem; margin-left: -2px; }
.matrix th, .matrix td { border: 0; padding: 0; }
.matrix tbody th { padding-right: 0.6rem; text-align: right; max-width: 10rem; line-height: 1.2;
  white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.matrix .said { height: 6rem; vertical-align: bottom; text-align: left; color: var(--text); }
.matrix .said span {
  writing-mode: vertical-rl; transform: rotate(180deg); display: block; margin: 0 auto; width: 1.2em;
  line-height: 1.2; max-height: 9rem; overflow: hidden; text-overflow: ellipsis;
}
.matrix td { width: 2.6rem; min-width: 1.5rem; height: 2.3rem; text-align: center; border-radius: 4px; }
.matrix .none { background: var(--box); }
.matrix button { width: 100%; height: 100%; border-radius: 4px; display: block; }
.matrix button:hover { outline: 2px solid var(--soft); }
.matrix button[aria-pressed="true"], .plain button[aria-pressed="true"] { outline: 2px solid var(--text); }
.plain td button { color: var(--link); min-width: 3rem; text-align: right; }
.cell { flex: 1 1 20rem; min-width: 0; max-width: 36rem; }
.cell:empty { display: none; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.cell header { display: flex; gap: 1rem; align-items: baseline; justify-content: space-between; }
.cell p { color: var(--soft); font-size: 0.9rem; margin: 0.2rem 0 0.8rem; }
.cell .samples { display: flex; flex-wrap: wrap; gap: 0.35rem; max-height: 17rem; overflow-y: auto; padding: 3px; }
.cell .samples button {
  display: block; text-align: center; font-size: 0.75rem; color: var(--soft); border-radius: 5px; padding: 2px;
}
.cell .samples button[aria-pressed="true"] { outline: 2px solid var(--text); color: var(--text); }
.cell .sample { display: flex; gap: 1.2rem; margin-top: 1rem; align-items: flex-start; }
.picture { display: block; image-rendering: pixelated; border-radius: 3px; overflow: hidden; }
.picture.small { width: 3.25rem; height: 3.25rem; }
.picture.large { width: 7rem; height: 7rem; flex: none; }
.picture.unit { width: 3.1rem; height: 3.1rem; border-radius: 2px; }
image { image-rendering: pixelated; }
.bars { width: 100%; font-size: 0.82rem; table-layout: fixed; line-height: 1.3; }
.bars th, .bars td { border: 0; padding: 0.06rem 0.5rem 0.06rem 0; }
.bars th { width: 38%; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; color: var(--soft); }
.bars td:last-child { width: 3.6rem; padding-right: 0; color: var(--soft); }
.bars .is th, .bars .says th, .bars .is .number, .bars .says .number { color: var(--text); font-weight: 600; }
.bar { display: block; width: 100%; height: 0.6rem; background: var(--box); border-radius: 2px; }
.bar rect { fill: var(--soft); }
.bars .is .bar rect { fill: rgb(var(--right)); }
.bars .says .bar rect { fill: rgb(var(--wrong)); }

.cards article { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0.6rem 1rem; align-items: center; }
.cards .bars { grid-column: 1 / -1; }
.cards article > div:first-child { grid-column: 1 / -1; }
.cards p { margin: 0.1rem 0 0; color: var(--soft); font-size: 0.9rem; }
.cards .large { width: 5rem; height: 5rem; }

.network th, .network td { border: 0; padding: 0 1.4rem 0 0; height: 3.1rem; }
.network thead th { height: auto; padding-bottom: 0.4rem; }
.network .drawing { position: relative; width: 15rem; min-width: 6rem; }
.network tbody tr:last-child > * { border-top: 1px solid var(--line); font-weight: 600; }
.network .shape { color: var(--soft); white-space: nowrap; }
.piece { position: absolute; left: 0; top: 0; width: calc(100% - 1.4rem); height: 100%; }
.piece .learns { fill: rgba(var(--right), 0.75); }
.piece .fixed { fill: rgba(var(--right), 0.35); }
.piece .sample { fill: rgba(var(--right), 0.18); }
.depth1 { padding-left: 1rem !important; }
.depth2 { padding-left: 2rem !important; }
.depth3 { padding-left: 3rem !important; }
.depth4, .depth5, .depth6 { padding-left: 4rem !important; }

.units { display: flex; flex-wrap: wrap; gap: 0.3rem; margin-bottom: 1.8rem; }
.hills, .values { margin: 0; }
.values svg { display: block; max-width: 100%; height: auto; }
.hills figcaption { font-size: 0.85rem; color: var(--soft); line-height: 1.4; }
.hills figcaption b { color: var(--text); font-weight: 600; display: block; }
.hills svg { display: block; width: 100%; height: auto; margin-top: 0.4rem; }
.hills polygon { fill: rgba(var(--right), 0.5); stroke: var(--page); stroke-width: 1.2; stroke-linejoin: round; }
.hills polygon:last-of-type { fill: rgba(var(--right), 0.9); }
.hills text { font-size: 11px; fill: var(--soft); }
.hills .zero { stroke: var(--line); stroke-width: 1; }

@media (max-width: 44rem) {
  body { padding: 1.4rem 1rem 3rem; }
  h1 { font-size: 1.6rem; }
  section { margin-top: 2.4rem; }
  .tiles { gap: 0.9rem 1.8rem; }
  .tiles dd { font-size: 1.35rem; }
  .matrix { font-size: 0.68rem; border-spacing: 1px; }
  .matrix td { width: 1.6rem; height: 1.8rem; }
  .matrix tbody th { max-width: 4.6rem; padding-right: 0.3rem; white-space: normal; }
  th, td { padding-right: 0.8rem; }
  .network th, .network td { padding-right: 0.7rem; font-size: 0.85rem; }
  .network .drawing { width: 6rem; min-width: 3.5rem; }
  .network .shape { white-space: normal; }
  .piece { width: calc(100% - 0.7rem); }
  .chart { width: 7rem; min-width: 3.5rem; }
  .classes, .sweep { font-size: 0.85rem; }
  .classes th, .classes td { padding-right: 0.6rem; }
  .classes th:nth-child(4), .classes td:nth-child(4) { display: none; } /* the drawing has it */
  .classes thead th, .sweep thead th { white-space: normal; }
  .picture.unit { width: 2.5rem; height: 2.5rem; }
  .cell .sample { flex-direction: column; }
}
@media print {
  :root { color-scheme: light; --text: #000000; --soft: #444a52; --page: #ffffff; --box: #f5f6f8; --line: #d0d4d9; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .tools, .curves button, .cell .close { display: none; }
  .curves { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  section { margin-top: 1.6rem; }
  figure, article, tr, .tiles, .units li, .confusion { break-inside: avoid; }
  .note { break-inside: avoid; }
  h2, .note { break-after: avoid; }
  details:not([open]) { display: none; }
  pre { white-space: pre-wrap; background: none; padding: 0; }
  .sort::after { content: ""; }
  .wide, .samples { overflow: visible; max-height: none; }
}
]]

local rules = { STYLE }
for i, colour in ipairs(colours.series) do
  rules[#rules + 1] = (".line.c%d { stroke: %s; }\n"):format(i, colour)
  rules[#rules + 1] = (".band.c%d, .point.c%d { fill: %s; }\n"):format(i, i, colour)
end
for i = 1, parts.SHADES do
  local opacity = 8 + 60 * i // parts.SHADES
  rules[#rules + 1] = (".right%d { background: rgba(var(--right), 0.%02d); }\n"):format(i, opacity) ..
    (".wrong%d { background: rgba(var(--wrong), 0.%02d); }\n"):format(i, opacity)
end

return table.concat(rules)
