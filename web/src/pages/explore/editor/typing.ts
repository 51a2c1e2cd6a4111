// Typing over a selection. Left to the browser, it keeps the look of what it replaces by an inline style, which the
// policy refuses and reports.

import { EditorView } from "@codemirror/view";

export const typing = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { main } = view.state.selection;
    const { data } = event;
    if (event.inputType !== "insertText" || !data || main.empty || event.isComposing || view.composing) return false;
    event.preventDefault();
    const insert = () => view.state.update({ ...view.state.replaceSelection(data), userEvent: "input.type", scrollIntoView: true });
    // Brackets put themselves about a selection.
    if (!view.state.facet(EditorView.inputHandler).some((handle) => handle(view, main.from, main.to, data, insert))) view.dispatch(insert());
    return true;
  },
});
