import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { languageOf, testFunctions } from "../../src/testing/functions";
import { showsLanguage, showsSource } from "../../src/testing/others";

const found = (language: string, text: string): unknown[] =>
  testFunctions(language, text).map(({ name, line }) => [name, line]);

describe("test functions", () => {
  it("of Rust stand below an attribute", () => {
    const text = `#[test]
fn plain() {}
#[tokio::test]
#[ignore = "slow"]
// why
pub async fn later() {}
#[derive(Debug)]
struct Test;
fn none() {}
#[test]
const X: u8 = 1;
fn neither() {}`;
    assert.deepEqual(found("rust", text), [
      ["plain", 1],
      ["later", 5],
    ]);
  });

  it("of scripts are called with their title", () => {
    const text = `test("adds", () => {});
describe("group", () => {
  it('it\\'s fine', fn);
  it.only(\`one\`, fn);
  test.each([1])("no", fn);
  latest("no", fn);
});`;
    assert.deepEqual(found("typescript", text), [
      ["adds", 0],
      ["it\\'s fine", 2],
      ["one", 3],
    ]);
  });

  it("of Python and Go have names that begin so", () => {
    assert.deepEqual(
      found("python", "def test_a():\n  pass\nclass T:\n  async def test_b(self): ...\ndef a_test(): ..."),
      [
        ["test_a", 0],
        ["test_b", 3],
      ],
    );
    assert.deepEqual(found("go", "func TestA(t *testing.T) {\nfunc helper() {\nfunc (s *S) TestB() {"), [
      ["TestA", 0],
      ["TestB", 2],
    ]);
  });

  it("are not looked for in other files", () => {
    assert.deepEqual(found("markdown", 'test("adds")'), []);
    assert.equal(languageOf("/w/a.test.ts"), "typescript");
    assert.equal(languageOf("/w/Makefile"), undefined);
  });
});

describe("other extensions", () => {
  const installed = (id: string): boolean => id === "rust-lang.rust-analyzer";

  it("are left their languages", () => {
    assert.equal(showsLanguage("rust", installed), true);
    assert.equal(showsLanguage("python", installed), false);
    assert.equal(showsSource("Cargo.toml", installed), true);
    assert.equal(showsSource("package.json", installed), false);
  });
});
