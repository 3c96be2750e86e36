// Reads an export of the log (consentctl events export) with the CloudEvents SDK: one event a line. A line that is no
// event has the member "foreign", and is passed over. Prints what each event says, as the test wants it.
const { readFileSync } = require("node:fs");
const { HTTP } = require("cloudevents");

const headers = { "content-type": "application/cloudevents+json" };
let before = "";
for (const body of readFileSync(process.argv[2], "utf8").trimEnd().split("\n")) {
  if ("foreign" in JSON.parse(body)) continue;
  const event = HTTP.toEvent({ headers, body });
  event.validate();
  // The CloudEvents extension `sequence` orders as text.
  if (!(before < event.sequence)) throw new Error(`${event.sequence} after ${before}`);
  before = event.sequence;
  const { id, type, subject, prevhash, data } = event;
  const sequence = Number(event.sequence);
  console.log(JSON.stringify({ sequence, id, type, subject, prevhash, account: data.account_id }));
}
