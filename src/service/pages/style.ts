// Holds the style sheet of the pages. Light and dark follow the reader's system; nothing is wider than a phone but tables, which scroll.

export const PAGE_STYLE = `:root {
  color-scheme: light dark;
  --ground: #fbfaf7; --card: #fff; --ink: #1c1f23; --dim: #5d646c; --line: #e4e0d8; --gold: #7d590a; --good: #1a6a3d; --bad: #a02c1a; --unsure: #7d590a;
}
@media (prefers-color-scheme: dark) {
  :root { --ground: #15171a; --card: #1c1f23; --ink: #e8e6e1; --dim: #a3abb3; --line: #2e3338; --gold: #d9ae54; --good: #6cc495; --bad: #f29784; --unsure: #d9ae54; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
header, main, footer { max-width: 60rem; margin: 0 auto; padding: 0 1.5rem; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.5rem; padding-top: 1.5rem; padding-bottom: 1rem; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 1rem; padding: .5rem 1rem; background: var(--card); }
.brand { margin: 0 auto 0 0; font-weight: 650; letter-spacing: .01em; }
.brand a { display: flex; align-items: center; gap: .6rem; text-decoration: none; }
.stone { width: 1rem; height: 1.35rem; border-radius: .2rem; background: linear-gradient(105deg, #22262b 52%, #d9ae54 52% 64%, #22262b 64%); outline: 1px solid var(--line); }
nav { display: flex; flex-wrap: wrap; gap: 1.25rem; }
a { color: inherit; text-decoration-color: var(--gold); text-underline-offset: .2em; }
a:hover { color: var(--gold); }
:focus-visible { outline: 2px solid var(--gold); outline-offset: 2px; border-radius: 2px; }
nav a { text-decoration: none; color: var(--dim); }
h1 { margin: 1.25rem 0 .5rem; font-size: clamp(1.5rem, 4vw, 2.1rem); line-height: 1.2; letter-spacing: -.015em; overflow-wrap: break-word; }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.1rem; }
h3 { margin: 1.25rem 0 .4rem; font-size: .95rem; color: var(--dim); font-weight: 600; }
.kicker { margin: 1.25rem 0 0; color: var(--dim); }
.kicker + h1 { margin-top: .25rem; }
.version { color: var(--dim); font-weight: 500; }
.lead { margin: 0 0 1.5rem; max-width: 46rem; }
p { max-width: 46rem; }
.facts { display: grid; grid-template-columns: repeat(3, 1fr); border: 1px solid var(--line); border-radius: .6rem; background: var(--card); overflow: hidden; margin-top: 2rem; }
.facts div { padding: .9rem 1.15rem; border-left: 1px solid var(--line); }
.facts div:first-child, .facts .wide { border-left: 0; }
.facts .wide { grid-column: 1 / -1; border-top: 1px solid var(--line); }
.label { display: block; font-size: .8rem; color: var(--dim); }
.facts strong { font-weight: 600; font-variant-numeric: tabular-nums; }
.facts div:not(.wide) strong { font-size: 1.25rem; }
code, pre { font: .85rem/1.55 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
code { overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: .8rem 1rem; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); max-height: 32rem; }
dl { margin: 0; }
.list { border: 1px solid var(--line); border-radius: .6rem; background: var(--card); }
.list > div { display: grid; grid-template-columns: minmax(8rem, 12rem) 1fr; gap: .25rem 1rem; padding: .55rem 1.15rem; border-top: 1px solid var(--line); }
.list > div:first-child { border-top: 0; }
dt { color: var(--dim); overflow-wrap: break-word; }
dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
.tree > div { margin: .2rem 0; }
.tree dt { display: inline; }
.tree dt::after { content: ": "; }
.tree dd { display: inline; }
.tree .tree, .tree ul { margin: 0 0 .3rem; padding-left: 1.1rem; border-left: 1px solid var(--line); }
.tree ul { list-style: none; }
.rows { list-style: none; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); }
.rows li { padding: .5rem 1.15rem; border-top: 1px solid var(--line); overflow-wrap: break-word; }
.rows li:first-child { border-top: 0; }
.patches li { margin: .6rem 0; }
.tag { padding: .1rem .5rem; border: 1px solid var(--line); border-radius: 1rem; font-size: .8rem; color: var(--gold); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); }
table { width: 100%; border-collapse: collapse; font-size: .95rem; }
th { text-align: left; font-weight: 500; font-size: .8rem; color: var(--dim); white-space: nowrap; }
th, td { padding: .5rem 1.15rem; vertical-align: baseline; }
td { border-top: 1px solid var(--line); }
.name { overflow-wrap: break-word; min-width: 9rem; }
td code { font-size: .8rem; }
time { font-variant-numeric: tabular-nums; white-space: nowrap; }
.dim { color: var(--dim); font-size: .88rem; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.unsure { color: var(--unsure); }
strong.bad, .outcome { font-weight: 600; }
.notice { padding: .7rem 1.15rem; border: 1px solid var(--line); border-left: .3rem solid var(--gold); border-radius: .4rem; background: var(--card); }
.notice p { margin: .3rem 0; }
.alarm { border-left-color: var(--bad); }
.alarm strong { color: var(--bad); }
.search label { display: block; margin-bottom: .35rem; color: var(--dim); font-size: .9rem; }
.search > div { display: flex; gap: .5rem; }
.search .file { display: inline; text-decoration: underline; cursor: pointer; color: inherit; }
.file input { position: absolute; opacity: 0; width: 1px; }
.file:focus-within { outline: 2px solid var(--gold); }
input { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--dim); border-radius: .4rem; padding: .45rem .7rem; min-width: 0; max-width: 100%; }
.search input:not([type]) { flex: 1; }
button { font: inherit; color: var(--ground); background: var(--ink); border: 0; border-radius: .4rem; padding: .5rem 1rem; cursor: pointer; }
button:disabled { opacity: .5; }
.copy { padding: 0 .5rem; font-size: .8rem; background: transparent; color: var(--gold); border: 1px solid var(--line); }
#check-form, #consistency-form, #evidence-form { display: flex; flex-wrap: wrap; gap: .6rem; align-items: center; margin: 1rem 0; }
#check-form[hidden], #consistency-form[hidden], #evidence-form[hidden] { display: none; }
#check-form label { flex-basis: 100%; color: var(--dim); }
#pin { flex: 1 1 20rem; }
#from, #to { width: 9rem; }
#check-steps { list-style: none; padding: 0; margin: 0; }
#check-steps li { padding: .5rem 0 .5rem 1.8rem; position: relative; border-top: 1px solid var(--line); }
#check-steps li::before { position: absolute; left: 0; content: "·"; }
#check-steps .pass::before { content: "✓"; color: var(--good); }
#check-steps .fail::before { content: "✗"; color: var(--bad); }
#check-steps .outcome { padding-left: 0; }
#check-steps .outcome::before { content: none; }
#check-steps div { overflow-wrap: anywhere; }
.walk { margin: .5rem 0 0; padding: .6rem 1rem .6rem 2.6rem; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); font-size: .9rem; }
figure { margin: 1rem 0; }
figcaption { color: var(--dim); font-size: .88rem; }
.plot svg { width: 100%; height: auto; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); }
.plot .line { fill: none; stroke: var(--gold); stroke-width: 2; }
.plot .ground { fill: none; stroke: var(--line); }
details { border-top: 1px solid var(--line); padding: .5rem 0; }
summary { cursor: pointer; }
.checks { padding-left: 1.1rem; overflow-wrap: anywhere; }
img { max-width: 100%; vertical-align: middle; }
footer { padding-top: 3rem; padding-bottom: 3rem; color: var(--dim); font-size: .85rem; }
@media (max-width: 36rem) {
  header, main, footer { padding-left: 1rem; padding-right: 1rem; }
  .facts { grid-template-columns: 1fr 1fr; }
  .facts div:nth-child(3) { grid-column: 1 / -1; border-left: 0; border-top: 1px solid var(--line); }
  .list > div { grid-template-columns: 1fr; }
  th, td { padding: .5rem .7rem; }
}
`;
