// Runs the scenarios of one file in order, each on a simulator that starts anew, and prints a line of JSON for each.
import { control } from "./stage.mjs";

const { default: scenarios } = await import(`./${process.argv[2]}.mjs`);
let failed = false;
for (const [scenario, play] of Object.entries(scenarios)) {
  await control("POST", "reset", {});
  const result = { scenario, ok: true };
  try {
    await play();
  } catch (error) {
    failed = true;
    Object.assign(result, { ok: false, why: error.stack });
  }
  console.log(JSON.stringify(result));
}
process.exit(failed ? 1 : 0);
