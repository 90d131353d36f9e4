// What can be scrolled sideways can be reached and scrolled with the keyboard too.
function reachable() {
  for (const box of document.querySelectorAll("pre, .formula, .table-wrapper")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else if (box.tabIndex === 0) box.removeAttribute("tabindex");
  }
}
addEventListener("load", reachable);
addEventListener("resize", reachable);
document.addEventListener("toggle", reachable, true);

// A picture that moves says how high it is, and is told whether the page is dark.
const tellTheme = frame => frame.contentWindow.postMessage({ theme: document.body.dataset.theme }, "*");
addEventListener("message", message => {
  for (const frame of document.querySelectorAll(".moving iframe")) {
    const height = Number(message.data && message.data.widgetHeight);
    if (frame.contentWindow !== message.source || !(height > 0)) continue;
    frame.style.height = `${Math.min(height, 2000)}px`;
    tellTheme(frame);
  }
});
new MutationObserver(() => document.querySelectorAll(".moving iframe").forEach(tellTheme))
  .observe(document.body, { attributeFilter: ["data-theme"] });
