// Adds to package-lock.json the optional packages of other platforms that npm left out of it.
//
// Where the registry at hand carries one platform's binaries only, `npm install` drops the others from the lock file, and
// `npm ci` then refuses that file on every machine. What is added here has no integrity: npm on such a platform takes
// the exact version from its own registry. Run it after `npm install`; `--check` only says what is missing.
import { readFileSync, writeFileSync } from 'node:fs';

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));
const missing = [];
for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    if (lock.packages[`node_modules/${name}`] !== undefined) continue;
    missing.push(name);
    lock.packages[`node_modules/${name}`] = {
      version,
      ...platformOf(name),
      ...(parent.dev ? { dev: true } : {}),
      optional: true,
    };
  }
}

if (process.argv.includes('--check')) {
  if (missing.length > 0) {
    console.error(`package-lock.json lacks ${missing.join(', ')}: run node scripts/complete-lock.mjs`);
    process.exitCode = 1;
  }
} else if (missing.length > 0) {
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
  lock.packages = Object.fromEntries(sorted);
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`Added ${missing.length} packages of other platforms to package-lock.json.`);
}

/**
 * `@scope/tool-linux-arm64-musl` → where npm is to install it.
 * @param {string} name
 */
function platformOf(name) {
  const words = name.split(/[-/]/);
  // Names say `arm` as the tool chains do: armv7, arm-eabi, arm-gnueabihf.
  const cpu = PROCESSORS.find((processor) => words.some((word) => word === processor || word === `${processor}v7`));
  const os = SYSTEMS.find((system) => words.includes(system));
  const libc = words.includes('musl') ? 'musl' : words.includes('gnu') ? 'glibc' : undefined;
  return {
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(libc === undefined ? {} : { libc: [libc] }),
    ...(os === undefined ? {} : { os: [os] }),
  };
}
