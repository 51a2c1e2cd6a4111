// Text in an HTTP header: `fetch` takes bytes only, so that UTF-8 is written byte by byte.

export function headerText(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}
