// Prints, for each way of looking at a page, what axe finds and whether the page is wider than the window.
// Usage: node accessibility.mjs NODE_MODULES PAGE; CHROMIUM names the browser.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [folder, page] = process.argv.slice(2).map(name => resolve(name));
const require = createRequire(`${folder}/`);
const puppeteer = require("puppeteer-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
for (const scheme of ["light", "dark"]) {
  for (const width of [1200, 390]) {
    const tab = await browser.newPage();
    await tab.setViewport({ width, height: 900 });
    await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await tab.goto(`file://${page}`);
    await tab.evaluate(() => document.querySelectorAll("details").forEach((part, n) => (part.open = n < 40)));
    await tab.evaluate(axe);
    const violations = await tab.evaluate(async () =>
      (await window.axe.run()).violations.map(found => `${found.id}: ${found.nodes[0].html}`));
    const overflows = await tab.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    console.log(JSON.stringify({ scheme, width, violations, overflows }));
    await tab.close();
  }
}
await browser.close();
