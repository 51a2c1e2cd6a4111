import { expect, test } from "vitest";
import { lonely } from "./lonely";

test("lonely points stand between gaps", () => expect(lonely([1, null, 2, 3, null, 4], 0, 5)).toEqual([0, 5]));
