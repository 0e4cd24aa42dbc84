// The theme: that of the system until the button is pressed. Runs before the page is painted.
"use strict";

(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;

  const set = (dark) => {
    root.dataset.theme = dark ? "dark" : "light";
    const button = document.getElementById("theme");
    if (button) button.setAttribute("aria-label", `Switch to the ${dark ? "light" : "dark"} theme`);
    dispatchEvent(new Event("theme"));
  };
  const follow = () => set(system.matches);

  follow();
  system.addEventListener("change", follow);
  addEventListener("DOMContentLoaded", () => {
    set(root.dataset.theme === "dark");
    document.getElementById("theme").addEventListener("click", () => {
      system.removeEventListener("change", follow);
      set(root.dataset.theme !== "dark");
    });
  });
})();
