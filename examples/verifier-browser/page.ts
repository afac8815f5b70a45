// Appraises the machine when the page is opened, and lets its user write only when it is trusted. Whatever goes wrong is said where it is
// read: nothing is sent, or the answer above is not whole.
import { GateError } from "touchstone/sealed";
import type { Verdict } from "touchstone/verifier";
import { answer, firstModel, type Message } from "./chat.ts";
import { element, find } from "./element.ts";
import { connect } from "./sealed-service.ts";
import { countOf, differences, foundations } from "./verdict-view.ts";

const state = find<HTMLElement>("#state");
const details = find<HTMLDetailsElement>("#verdict");
const log = find<HTMLElement>("#log");
const form = find<HTMLFormElement>("form");
const input = find<HTMLTextAreaElement>("textarea");
const button = find<HTMLButtonElement>("button");

const fetch = connect(showVerdict);
const messages: Message[] = [];
let model = "";

try {
  // The first request has the machine appraised. It is sealed like any other.
  model = await firstModel(fetch);
  begin();
} catch (error) {
  refuse(error);
}

function showVerdict(verdict: Verdict): void {
  document.body.dataset.verdict = verdict.verdict;
  const trusted = verdict.verdict === "trusted";
  state.textContent = trusted ? `Trusted: ${verdict.profile}` : "Not trusted";
  const passed = element("p", { className: "count" }, countOf(verdict));
  find("#checks").replaceChildren(passed, ...foundations(verdict));
  details.hidden = false;
}

function begin(): void {
  find("#model").textContent = model;
  say(
    "note",
    "The machine is what the policy describes. What you write is sealed to its key, here, before it leaves.",
  );
  input.placeholder = "Write a message";
  allow(true);
  input.focus();
}

/** Nothing was sent, or nothing more will be. */
function refuse(error: unknown): void {
  document.body.dataset.verdict = "rejected";
  state.textContent = "Not trusted";
  allow(false);
  const verdict = error instanceof GateError ? error.verdict : null;
  const sent = error instanceof GateError && error.sent;
  const why = error instanceof Error ? error.message : "failed";
  log.append(
    element(
      "article",
      { className: "refused" },
      element("h2", {}, sent ? "This machine is not trusted any more" : "Nothing was sent"),
      element("p", {}, verdict === null ? why : "This is not a machine that the policy describes."),
      ...(verdict === null ? [] : differences(verdict)),
    ),
  );
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const question = input.value.trim();
  if (question === "" || button.disabled) return;
  input.value = "";
  void converse(question);
});

input.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});

async function converse(question: string): Promise<void> {
  allow(false);
  say("user", question);
  const reply = say("assistant", "");
  reply.setAttribute("aria-busy", "true");
  messages.push({ role: "user", content: question });
  try {
    for await (const word of answer(fetch, model, messages)) {
      reply.append(word);
      scrollDown();
    }
    messages.push({ role: "assistant", content: reply.textContent ?? "" });
    allow(true);
    input.focus();
  } catch (error) {
    messages.pop();
    showFailure(reply, error);
  } finally {
    reply.removeAttribute("aria-busy");
    scrollDown();
  }
}

/** A broken answer may be asked for again; a machine that is not trusted may not be asked anything. */
function showFailure(reply: HTMLElement, error: unknown): void {
  const broken = error instanceof GateError && error.code.startsWith("reply.");
  const begun = reply.textContent !== "";
  if (!begun) reply.remove();
  if (!broken && error instanceof GateError) {
    if (begun) mark(reply, "The answer ends here, because the machine is not trusted any more.");
    refuse(error);
    return;
  }
  const message = error instanceof Error ? error.message : "failed";
  if (begun) mark(reply, "The answer was cut: what you read is not all of it.", message);
  else say("alert", `There is no answer: ${message}`);
  allow(true);
}

function mark(reply: HTMLElement, text: string, why = ""): void {
  reply.classList.add("broken");
  reply.append(element("strong", {}, text), element("small", {}, why));
}

function say(who: "user" | "assistant" | "note" | "alert", text: string): HTMLElement {
  const said = element("article", { className: who }, text);
  if (who === "alert") said.setAttribute("role", "alert");
  log.append(said);
  scrollDown();
  return said;
}

function allow(writing: boolean): void {
  input.disabled = !writing;
  button.disabled = !writing;
}

function scrollDown(): void {
  log.scrollTop = log.scrollHeight;
}
