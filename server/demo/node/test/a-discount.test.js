import assert from "node:assert/strict";
import { test } from "node:test";
import { discounted, toPay } from "../src/till.js";

test("discount counts every cent", () => {
  // Ten per cent of 9.99 are 99 cents.
  assert.equal(discounted(999, 10), 900);
});

test("an empty basket costs nothing", () => {
  assert.equal(toPay([]), 0);
});
