// Holds the style sheet of the overview page. Light and dark follow the reader's system.

export const PAGE_STYLE = `:root {
  color-scheme: light dark;
  --ground: #fbfaf7; --card: #fff; --ink: #1c1f23; --dim: #666d75; --line: #e4e0d8; --gold: #8a6410; --good: #1f6f43; --bad: #a8321f;
}
@media (prefers-color-scheme: dark) {
  :root { --ground: #15171a; --card: #1c1f23; --ink: #e8e6e1; --dim: #98a0a8; --line: #2e3338; --gold: #d9ae54; --good: #6cc495; --bad: #ef8672; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
header, main, footer { max-width: 60rem; margin: 0 auto; padding: 0 1.5rem; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.5rem; padding-top: 1.5rem; padding-bottom: 1.5rem; }
.brand { margin: 0 auto 0 0; font-weight: 650; letter-spacing: .01em; display: flex; align-items: center; gap: .6rem; }
.stone { width: 1rem; height: 1.35rem; border-radius: .2rem; background: linear-gradient(105deg, #22262b 52%, #d9ae54 52% 64%, #22262b 64%); outline: 1px solid var(--line); }
nav { display: flex; flex-wrap: wrap; gap: 1.25rem; }
a { color: inherit; text-decoration-color: var(--gold); text-underline-offset: .2em; }
a:hover { color: var(--gold); }
a:focus-visible { outline: 2px solid var(--gold); outline-offset: 2px; border-radius: 2px; }
nav a { text-decoration: none; color: var(--dim); }
h1 { margin: 2rem 0 .5rem; font-size: clamp(1.5rem, 4vw, 2.1rem); line-height: 1.2; letter-spacing: -.015em; overflow-wrap: anywhere; }
.lead { margin: 0 0 2rem; max-width: 42rem; color: var(--dim); }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.05rem; }
.facts { display: grid; grid-template-columns: repeat(3, 1fr); border: 1px solid var(--line); border-radius: .6rem; background: var(--card); overflow: hidden; }
.facts div { padding: .9rem 1.15rem; border-left: 1px solid var(--line); }
.facts div:first-child, .facts .wide { border-left: 0; }
.facts .wide { grid-column: 1 / -1; border-top: 1px solid var(--line); }
.label { display: block; font-size: .8rem; color: var(--dim); }
.facts strong { font-size: 1.25rem; font-weight: 600; font-variant-numeric: tabular-nums; }
code { font: .9rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: separate; border-spacing: 0; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); font-size: .95rem; }
th { text-align: left; font-weight: 500; font-size: .8rem; color: var(--dim); white-space: nowrap; }
th, td { padding: .55rem 1.15rem; vertical-align: baseline; }
td { border-top: 1px solid var(--line); }
.name { overflow-wrap: anywhere; }
.which, .bad { white-space: nowrap; }
.number { width: 6rem; font-variant-numeric: tabular-nums; }
.kind { color: var(--gold); white-space: nowrap; }
time { font-variant-numeric: tabular-nums; white-space: nowrap; }
.dim { color: var(--dim); font-size: .85rem; white-space: nowrap; }
.good { color: var(--good); }
.bad { color: var(--bad); font-weight: 600; }
.notice { padding: .9rem 1.15rem; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); }
footer { padding-top: 3rem; padding-bottom: 3rem; color: var(--dim); font-size: .85rem; }
@media (max-width: 36rem) {
  .facts { grid-template-columns: 1fr 1fr; }
  .facts div:nth-child(3) { grid-column: 1 / -1; border-left: 0; border-top: 1px solid var(--line); }
  table { font-size: .88rem; }
  th, td { padding: .5rem .6rem; }
  .number { width: auto; }
}
`;
