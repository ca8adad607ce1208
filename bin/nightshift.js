#!/usr/bin/env node
// Only syntax that Node 12 parses: an old Node has to get as far as the message.
const [major, minor] = process.versions.node.split('.').map(Number);
const entry = new URL('../dist/cli/main.js', import.meta.url);

function stop(message, exitCode) {
  console.error(message);
  process.exitCode = exitCode;
}

if (major < 22 || (major === 22 && minor < 12)) {
  stop(`nightshift needs Node 22.12 or newer, this is ${process.version}: install one from https://nodejs.org`, 2);
} else {
  import(entry.href).catch((error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || error.url !== entry.href) throw error;
    stop('nightshift is not built, dist/cli/main.js is missing: run `npm run build`', 4);
  });
}
