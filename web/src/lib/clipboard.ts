// The clipboard needs a secure context; plain HTTP on a LAN has none, and the old way still works there.

export function copyText(text: string): void {
  if (navigator.clipboard !== undefined) {
    navigator.clipboard.writeText(text).catch(() => copyBySelection(text));
    return;
  }
  copyBySelection(text);
}

function copyBySelection(text: string): void {
  const area = document.createElement("textarea");
  area.value = text;
  // A dialog keeps the focus to itself, so that the text has to stand within it.
  (document.activeElement?.closest("[role=dialog], dialog") ?? document.body).append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
