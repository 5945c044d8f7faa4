import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface Certificate {
  /** Paths of PEM files. */
  readonly cert: string;
  readonly key: string;
}

/** Certificates of a CA made for one test, with openssl. They go with the folder. */
export class Certificates implements Disposable {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'taskglass-tls-'));
  readonly caFile: string;

  constructor() {
    this.caFile = this.authority('ca').cert;
  }

  /** Another CA. */
  authority(name: string): Certificate {
    const made = this.#files(name);
    const subject = ['-subj', `/CN=${name}`, '-days', '30'];
    openssl('req', '-x509', ...NEW_KEY, '-keyout', made.key, '-out', made.cert, ...subject);
    return made;
  }

  /** Signed by `authority`, of {@link caFile} by default. */
  issue(name: string, options: { readonly authority?: Certificate; readonly expired?: boolean } = {}): Certificate {
    const made = this.#files(name);
    const authority = options.authority ?? this.#files('ca');
    const request = path.join(this.folder, `${name}.csr`);
    openssl('req', '-new', ...NEW_KEY, '-keyout', made.key, '-out', request, '-subj', `/CN=${name}`);
    const from = new Date(Date.now() - 3 * 86_400_000);
    const until = new Date(Date.now() + (options.expired === true ? -1 : 30) * 86_400_000);
    const database = path.join(this.folder, `${name}.db`);
    writeFileSync(database, '');
    const config = path.join(this.folder, `${name}.cnf`);
    writeFileSync(
      config,
      `[ca]\ndefault_ca=x\n[x]\ndatabase=${database}\nrand_serial=yes\npolicy=p\n[p]\ncommonName=supplied\n`,
    );
    const dates = ['-startdate', asn1(from), '-enddate', asn1(until)];
    const signer = ['-cert', authority.cert, '-keyfile', authority.key, '-md', 'sha256'];
    const output = ['-in', request, '-out', made.cert, '-outdir', this.folder, '-batch', '-notext'];
    openssl('ca', '-config', config, ...signer, ...dates, ...output);
    return made;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #files(name: string): Certificate {
    return { cert: path.join(this.folder, `${name}.pem`), key: path.join(this.folder, `${name}.key`) };
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}

/** `20260131235959Z`. */
function asn1(date: Date): string {
  return `${date.toISOString().replace(/\D/g, '').slice(0, 14)}Z`;
}
