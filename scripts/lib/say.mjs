/**
 * What the scripts tell the person at the terminal: one line a step, and for what goes wrong one line that says what and
 * one that says how to mend it.
 */

/** A failure that was foreseen: what went wrong, and what to do about it. */
export class Failure extends Error {
  /**
   * @param {string} what
   * @param {string} advice
   */
  constructor(what, advice) {
    super(what);
    this.advice = advice;
  }
}

/** @param {string} text */
export function say(text) {
  console.log(`• ${text}`);
}

/** @param {string} text */
export function warn(text) {
  console.error(`✗ ${text}`);
}

/**
 * Runs a script's body and turns whatever it throws into readable lines and exit status 1.
 * @param {() => Promise<void> | void} body
 */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    if (error instanceof Failure) {
      warn(error.message);
      console.error(`  → ${error.advice}`);
    } else {
      console.error(error);
    }
    process.exitCode = 1;
  }
}
