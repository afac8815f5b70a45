// Puts a button beside each value that readers compare or take along.
import { element } from "./dom.ts";

for (const value of document.querySelectorAll<HTMLElement>("[data-copy]")) {
  const button = element("button", "copy", "copy");
  button.type = "button";
  button.setAttribute("aria-label", `copy ${value.textContent.slice(0, 12)}…`);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(value.textContent);
      button.textContent = "copied";
    } catch {
      // Without a secure context there is no clipboard: the value is selected, and the reader copies it.
      getSelection()?.selectAllChildren(value);
    }
  });
  value.after(" ", button);
}
