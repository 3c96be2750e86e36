// Whether the descriptions are what they claim to be, by the tools that others read them with, and whether what the services
// really said is what they describe. `node check.mjs FOLDER`, which holds `asyncapi.json`, `events.json`, any number of
// `*.openapi.json`, and in `messages.ndjson` what was said: `{"of": "asyncapi" | "events", "name", "payload"}`. Prints a line
// of JSON for each document and each kind of message, with what is wrong with it.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Parser } from "@asyncapi/parser";
import { createConfig, lint } from "@redocly/openapi-core";
import addFormats from "ajv-formats";
import Ajv2020 from "ajv/dist/2020.js";

const folder = process.argv[2];
const read = (name) => readFileSync(join(folder, name), "utf8");
const report = (checked, wrong, count) => console.log(JSON.stringify({ checked, count, wrong: wrong.slice(0, 20) }));

// AsyncAPI, by its own parser. What it merely recommends is not held against a document.
const asyncapi = read("asyncapi.json");
const { diagnostics } = await new Parser().parse(asyncapi);
const isError = ({ severity }) => severity === 0;
report("asyncapi.json", diagnostics.filter(isError).map(({ path, message }) => `${path.join("/")}: ${message}`), 1);

// OpenAPI, by Redocly's strictest rules.
// Forms and callbacks answer by leading the browser on (303), and by nothing else.
const rules = { "operation-2xx-response": "off" };
const config = await createConfig({ extends: ["recommended-strict"], rules });
for (const name of readdirSync(folder).filter((name) => name.endsWith(".openapi.json"))) {
  const problems = await lint({ ref: join(folder, name), config });
  report(name, problems.map(({ ruleId, message, location }) => `${ruleId} ${location[0]?.pointer}: ${message}`), 1);
}

// What was said, by the schemas that are printed for it.
const ajv = new Ajv2020({ allErrors: true, strict: false });
addFormats(ajv);
const described = JSON.parse(asyncapi);
ajv.addSchema({ $id: "https://assent.example/asyncapi", components: described.components });
const events = JSON.parse(read("events.json"));
const validators = new Map();
const validator = ({ of, name }) => {
  const key = `${of} ${name}`;
  if (!validators.has(key)) {
    const known = of === "events" ? events[name] : described.components.messages[name];
    const schema = of === "events" ? known : { $ref: `https://assent.example/asyncapi#/components/messages/${name}/payload` };
    validators.set(key, { validate: known && ajv.compile(schema), wrong: [], count: 0 });
  }
  return validators.get(key);
};
for (const line of read("messages.ndjson").split("\n").filter(Boolean)) {
  const said = JSON.parse(line);
  const checked = validator(said);
  checked.count += 1;
  if (!checked.validate) checked.wrong.push("is not described");
  else if (!checked.validate(said.payload)) checked.wrong.push(`${ajv.errorsText(checked.validate.errors)}: ${line}`);
}
for (const [key, { wrong, count }] of validators) report(key, wrong, count);
