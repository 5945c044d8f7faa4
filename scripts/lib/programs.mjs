import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { Failure } from './say.mjs';

/** @param {string} file */
export function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Folders of PATH, in its order. */
export const pathFolders = () => (process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== '');

/**
 * Where a browser is: in the environment variable `variable`, else on PATH under one of `names`, else at one of `places`.
 * @param {string} variable
 * @param {readonly string[]} names
 * @param {readonly string[]} places
 * @returns {string | undefined}
 */
export function findBrowser(variable, names, places) {
  const named = process.env[variable];
  if (named !== undefined && named !== '') {
    if (isProgram(named)) return named;
    throw new Failure(`${variable} names ${named}, which is not a program.`, 'Correct or unset that variable.');
  }
  return [...names.flatMap((name) => pathFolders().map((folder) => path.join(folder, name))), ...places].find(
    isProgram,
  );
}
