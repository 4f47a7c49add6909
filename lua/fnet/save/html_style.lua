--- How the page of an exported model looks: CSS. A text, for html_page.lua.

return [==[
:root {
  --ground: #f6f5f2; --card: #ffffff; --text: #1c1f23; --soft: #5c636b; --line: #dcdad4;
  --bar: #b9cbdc; --best: #2f7fc1; --track: #eeedea; --right: #0a7a5c; --wrong: #b8500a; --on-best: #ffffff;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ground: #15171a; --card: #1f2226; --text: #eceae6; --soft: #a3a9b0; --line: #363a40;
    --bar: #46596b; --best: #4f9bdb; --track: #2a2e33; --right: #3fc79e; --wrong: #f0914b; --on-best: #10161c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1rem 3rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; line-height: 1.3; margin: 0 0 .8rem; overflow-wrap: anywhere; }
.lead { color: var(--soft); margin: 0 0 1.5rem; max-width: 44rem; }
.work { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; align-items: start; }
@media (min-width: 46rem) {
  .work { grid-template-columns: minmax(0, 26rem) minmax(0, 1fr); grid-template-rows: auto 1fr; }
  #result { grid-column: 2; grid-row: 1 / 3; }
}
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.2rem; min-width: 0;
}

.frame { position: relative; line-height: 0; }
#pad {
  width: 100%; display: block; margin: 0 auto; border-radius: 8px; touch-action: none; cursor: crosshair;
  background: #000;
}
#hint {
  position: absolute; inset: 0; margin: 0; display: grid; place-items: center; pointer-events: none;
  color: #8d949b; font-size: 1.3rem; line-height: 1;
}
#hint[hidden] { display: none; }
.tools { display: flex; flex-wrap: wrap; align-items: center; gap: .6rem .7rem; margin: .9rem 0 0; }
.card > .tools:first-child { margin-top: 0; }
.steps { display: inline-flex; align-items: center; gap: .4rem; }
#place { min-width: 4.3rem; text-align: center; font-variant-numeric: tabular-nums; }
#clear { margin-left: auto; }
.tools label { display: inline-flex; align-items: center; gap: .45rem; }
.tools input[type="range"] { width: 6rem; }
button, .tools .file {
  font: inherit; color: inherit; background: var(--track); border: 1px solid var(--line); border-radius: 8px;
  min-height: 2.5rem; padding: .3rem .8rem; cursor: pointer;
}
button:hover, .file:hover { border-color: var(--best); }
#clear { background: var(--best); border-color: var(--best); color: var(--on-best); font-weight: 600; }
input, select { font: inherit; accent-color: var(--best); max-width: 100%; }
input[type="range"], input[type="checkbox"] { min-height: 1.6rem; }
:focus-visible, .file:focus-within { outline: 3px solid var(--best); outline-offset: 2px; }
.note, figcaption { color: var(--soft); font-size: .875rem; }
.note code { overflow-wrap: anywhere; }
#message { margin: .6rem 0 0; color: var(--wrong); }
#message:empty { display: none; }
.card > :last-child { margin-bottom: 0; }

#answer { font-size: 1.5rem; margin: 0; min-height: 1.3em; }
#truth { margin: 0 0 .8rem; min-height: 1.5em; color: var(--soft); }
#truth.right { color: var(--right); }
#truth.wrong { color: var(--wrong); }
#bars {
  list-style: none; margin: 0; padding: 0; display: grid; gap: 0 .7rem;
  grid-template-columns: fit-content(45%) minmax(0, 1fr) auto;
}
.row {
  display: grid; grid-column: 1 / 4; grid-template-columns: subgrid; align-items: center; padding: .2rem 0;
}
@supports not (grid-template-columns: subgrid) {
  .row { grid-template-columns: minmax(0, 7rem) minmax(0, 1fr) 4.2rem; gap: .7rem; }
}
.row .name { overflow-wrap: anywhere; line-height: 1.2; color: var(--soft); }
.row .bar { height: 1.15rem; border-radius: 4px; background: var(--track); overflow: hidden; }
.row .fill {
  display: block; height: 100%; background: var(--bar); transform: scaleX(0); transform-origin: left;
  transition: transform .15s ease-out;
}
.row .value { text-align: right; min-width: 4.2rem; font-variant-numeric: tabular-nums; color: var(--soft); }
.row .value:nth-child(2) { grid-column: 2 / 4; }
.row.best .name { color: inherit; }
.row.best .fill { background: var(--best); }
.row.best .value { color: inherit; font-weight: 600; }
@media (prefers-reduced-motion: reduce) { .row .fill { transition: none; } }
figure { display: flex; align-items: center; gap: .9rem; margin: 1.2rem 0 0; }
#seen { width: 5.6rem; flex: none; image-rendering: pixelated; border-radius: 4px; border: 1px solid var(--line); }

#fields { margin-top: 1rem; }
.field { display: grid; grid-template-columns: minmax(0, 1fr) 7rem; gap: .2rem .8rem; align-items: center; }
.field + .field { margin-top: .8rem; }
.field label { overflow-wrap: anywhere; }
.field input[type="number"], .field select {
  width: 100%; min-height: 2.4rem; padding: .2rem .5rem; border: 1px solid var(--line); border-radius: 8px;
  background: var(--ground); color: inherit;
}
.field input[type="range"] { grid-column: 1 / 3; width: 100%; }
details { margin-top: 1.5rem; }
summary { cursor: pointer; color: var(--soft); padding: .3rem 0; }
.wide { overflow-x: auto; }
pre { font-size: .85rem; line-height: 1.4; margin: .5rem 0; }
@media (max-width: 30rem) {
  main { padding: 1.2rem .7rem 2rem; }
  .card { padding: .9rem; }
}
.unseen { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); }
@media print {
  :root { color-scheme: light; }
  .tools, .file, #message, #keys { display: none; }
  .card { break-inside: avoid; }
  .card:not(:has(> :not(.tools, #keys))) { display: none; } /* of tools alone */
  .bar, .fill { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
]==]
