import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { discounted, toPay } from "../src/till.js";

const cardTerminal = () => setTimeout(2000);

test("paying by card takes a while", async () => {
  await cardTerminal();
  assert.equal(toPay([[420, 2]]), 840);
});

test("a large basket gets its discount", async () => {
  await cardTerminal();
  assert.equal(toPay([[1000, 6]]), 5400);
});

test("no discount changes nothing", async () => {
  await cardTerminal();
  assert.equal(discounted(1234, 0), 1234);
});
