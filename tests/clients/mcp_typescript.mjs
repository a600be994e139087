// The official TypeScript client initialises, lists and calls every tool.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [url, key, modules] = process.argv.slice(2);
// The packages stand below target/, not beside this file.
const require = createRequire(pathToFileURL(`${modules}/package.json`));
const load = async (path) => import(pathToFileURL(require.resolve(`@modelcontextprotocol/sdk/${path}`)));
const { Client } = await load("client/index.js");
const { StreamableHTTPClientTransport } = await load("client/streamableHttp.js");

const calls = JSON.parse(readFileSync(new URL("calls.json", import.meta.url), "utf8"));

const filled = (value, known) => {
  if (typeof value === "string") return known[value] ?? value;
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, filled(inner, known)]));
};

const client = new Client({ name: "tests", version: "1" });
const requestInit = { headers: { "x-api-key": key } };
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
const { tools } = await client.listTools();
const names = tools.map((tool) => tool.name).sort();
assert.deepEqual(names, calls.map((one) => one.tool).sort());

const known = { $user: "typescript" };
for (const one of calls) {
  const result = await client.callTool({ name: one.tool, arguments: filled(one.arguments, known) });
  const body = result.structuredContent;
  assert.ok(!result.isError, `${one.tool}: ${JSON.stringify(body)}`);
  assert.deepEqual(JSON.parse(result.content[0].text), body, one.tool);
  for (const [name, expected] of Object.entries(one.has)) {
    assert.ok(name in body, `${one.tool} has no ${name}: ${JSON.stringify(body)}`);
    if (expected !== null) assert.deepEqual(body[name], filled(expected, known), one.tool);
  }
  for (const [name, field] of Object.entries(one.keep ?? {})) known[`$${name}`] = body[field];
}

// A failure of a tool is a result; its body fits the schema of the output as well, or the client would refuse it.
const foreign = { session_id: known.$session, user_id: "somebody-else" };
const refused = await client.callTool({ name: "get_session", arguments: foreign });
assert.equal(refused.isError, true);
assert.equal(refused.structuredContent.code, "session_not_found");
for (const name of ["append_turn", "no_such_tool"]) {
  await assert.rejects(client.callTool({ name, arguments: {} }), { code: -32602 });
}

// Parts of an answer come as progress to those who listen.
const question = { input: "Where is my parcel?", user_id: "typescript", metadata: { stream: true } };
const answer = { name: "handle_message", arguments: question };
const heard = [];
const told = await client.callTool(answer, undefined, { onprogress: (progress) => heard.push(progress.message) });
assert.equal(told.structuredContent.type, "answer");
assert.equal(heard.join(""), told.structuredContent.response);
await client.close();
console.log(`typescript: ${names.length} tools, ${heard.length} parts of an answer`);
