import { expect, test } from "vitest";
import { headerText } from "./header";

test("a header carries UTF-8 as bytes", () => {
  const check = (text: string, expected: string) => expect(headerText(text)).toBe(expected);
  check("ana", "ana");
  check("Zoë", "Zo\u00c3\u00ab");
});
