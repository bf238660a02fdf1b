/** What is typed into both shells, and where their answers are not the same, why. */

export interface Line {
  readonly text: string;
  /** Why ours answers something else; undefined: it must not. */
  readonly differs?: string;
}

const crash = "Apache's shell ends with a Java exception and its stack; ours says what is wrong and goes on";
const acl = "Apache's shell goes on with what it could read of the list; ours changes nothing";
const nul = "Apache's shell takes no data for the word null; ours prints null as it is";

function same(...texts: readonly string[]): Line[] {
  return texts.map((text) => ({ text }));
}

/** Of one session each, in this order. */
export const LINES: readonly Line[] = [
  ...same('ls /', 'ls', 'ls -x /', 'ls /none', 'ls bad', 'ls //', 'ls -R /'),
  ...same('create /a', 'create /a', 'create /a hello', 'create /b hello', "create /c 'hello world'"),
  ...same(`create /d "dq 'in' it"`, "create /e it\\'s", 'create /f ""', 'create -s /a/s x', 'create -e /a/e x'),
  ...same('create -e /a/e/x x', 'create -c /a/c', 'create -t 1000000 /a/t x', 'create -t=1000000 /a/t1 x'),
  ...same('create -t abc /a/t2 x', 'create -e -c /a/t2 x', 'create -e -t 100 /a/t2 x', 'create -c -t 100 /a/t2 x'),
  ...same('create -c -s /a/t2 x', 'create /no/parent x', 'create bad x', 'create', 'create -t', 'create -t 0 /zero'),
  ...same('create -t -5 /zero', 'create -s -e /seqe', 'create -s -t 50000 /seqt', "create '/with space' 'a b'"),
  ...same("get '/with space'", `create /quo "it's"`, 'get /quo', 'create /uni héllo☃', 'get /uni', 'create /nl a\\nb'),
  ...same('get /nl', 'get -x /uni', 'create /neg 5 -e', 'create /big -5', 'get -s=1 /b', 'get --s /b', 'get -- /b'),
  { text: "create /open 'not closed", differs: "Apache's shell passes over a quote that is not closed; ours says so" },
  ...same('create /a/aclz data world:anyone:r', 'getAcl /a/aclz', 'set /a/aclz x', 'create /a/aclz/x'),
  { text: 'create /a/acly data world:anyone', differs: acl },
  ...same('create /a/aclw data digest:foo:bar:cdrwa,ip:127.0.0.1:r', 'getAcl /a/aclw'),
  { text: 'create /a/g data extra stuff', differs: acl },
  ...same('get /a', 'get /b', 'get /f', 'get -s /b', 'get -w /b', 'get -b /b', 'get -x /b', 'get -sb /b', 'get -sx /b'),
  ...same('get -bx /b', 'get -q /b', 'get', 'get /none', 'get -s', 'get /b extra', 'get -x /f', 'get -b /f'),
  { text: 'get -x /a', differs: nul },
  { text: 'get -b /a', differs: nul },
  ...same('set /b new', 'set -s /b new2', 'set -v 2 /b new3', 'set -v 99 /b new3', 'set /none x', 'set /b', 'set'),
  { text: 'set -v x /b new3', differs: crash },
  ...same("set /b 'two words'", 'get /b', 'set -b /b aGVsbG8=', 'get /b', 'set /b abc 99', 'get /b', 'set /b abc -s'),
  { text: 'set -b /b !!!', differs: crash },
  ...same('delete /none', 'delete /a', 'delete -v 44 /b', 'delete', 'delete bad', 'create /gone', 'delete /gone 44'),
  { text: 'delete -v 1.5 /b', differs: crash },
  ...same('stat', 'stat /a', 'stat /a true', 'stat -w /a', 'stat /none', 'ls /a true', 'ls -s /a', 'ls -sw /a'),
  ...same('ls -s -R /a', 'ls -R /none', 'get -s /d'),
  ...same('getAcl /a', 'getAcl -s /a', 'getAcl /none', 'getAcl', 'setAcl /a world:anyone:cdrwa'),
  ...same('setAcl -s /a world:anyone:cdrwa', 'setAcl -v 2 /a world:anyone:cdrwa', 'setAcl -v 55 /a world:anyone:cdrwa'),
  { text: 'setAcl /a foo', differs: acl },
  ...same('setAcl /a', 'setAcl /none world:anyone:r', 'create /r', 'create /r/1', 'setAcl -R /r world:anyone:cdrw'),
  ...same('getAcl /r/1', 'getAllChildrenNumber /', 'getAllChildrenNumber /none', 'getAllChildrenNumber'),
  {
    text: 'setAcl -R /a world:anyone:cdrwa',
    differs: "ours tells of each znode that is refused in a line of its own, in Apache's words for that",
  },
  ...same('getEphemerals /a', 'getEphemerals /none', 'getEphemerals x', 'whoami', 'addauth', 'addauth digest u:p'),
  ...same('setAcl /d auth::cdrwa', 'getAcl /d', 'create /two x world:anyone:cd,ip:127.0.0.1:r', 'getAcl /two'),
  ...same('create /v6 x ip:2001:db8::1:r', 'create /ro x world:anyone:r', 'set /ro y', 'create /ro/x', 'delete /ro'),
  ...same('setquota /a', 'setquota -n 5 /none', 'setquota -n 500 /a', 'setquota -n 5 -b 10 /a', 'setquota -N 700 /a'),
  ...same('setquota -n 6 /a', 'setquota -b x /a', 'create /a/k1', 'setquota -n 5 /a/k1', 'setquota -n 5 /'),
  ...same('setquota -n 5', 'setquota -n', 'setquota -B 100000 /a', 'listquota /a', 'listquota /a/k1', 'listquota'),
  ...same('delquota -n /a', 'listquota /a', 'delquota -n -b /a', 'delquota /a', 'delquota /a', 'delquota -n /a'),
  ...same('delquota /none', 'delquota -z /a', 'listquota /a', 'create /q', 'create /q/1', 'create /q/1/2'),
  ...same('setquota -n 7 /q/1/2', 'setquota -n 7 /q', 'ls -R /zookeeper', 'delquota /q/1/2', 'ls -R /zookeeper'),
  ...same('setquota -N 1 /q', 'setquota -B 1 /q', 'set /q abcdef', 'delquota /q'),
  ...same('deleteall /none', 'deleteall /q', 'deleteall', 'deleteall -b 10 /c', 'deleteall /e -b 10'),
  ...same('deleteall -b x /a', 'ls /'),
  ...same('config', 'config -s', 'config -c', 'config -z', 'sync /', 'sync /none', 'sync bad', 'sync'),
  ...same('reconfig', 'reconfig -s', 'reconfig -add server.2=127.0.0.1:1:2;3', 'reconfig -remove 2'),
  ...same('reconfig -members server.1=127.0.0.1:1:2;3', 'reconfig -v xyz -add x', 'reconfig -add a -members b'),
  { text: 'reconfig -file /none', differs: "the words for the file's fault are Node's and not Java's" },
  ...same(
    'addWatch',
    'addWatch -m PERSISTENT /w',
    'create /w 1',
    'addWatch -m PERSISTENT_RECURSIVE /w',
    'set /w 2',
    'create /w/c 1',
  ),
  { text: 'addWatch bad', differs: crash },
  { text: 'addWatch -m NONE /w', differs: crash },
  ...same('removewatches /w -c', 'removewatches /w -d', 'removewatches /w -a', 'removewatches /w -a'),
  ...same('removewatches /w -a -l', 'get -w /w', 'ls -w /w', 'stat -w /w', 'set /w 5', 'create /w/d 5'),
  ...same('stat -w /w', 'ls -w /w', 'removewatches /w -d', 'removewatches /w', 'removewatches /w -x'),
  ...same('removewatches', 'get -w /w', 'delete /w/c', 'delete /w/d', 'delete /w', 'ls /w'),
  ...same('foo bar', 'rmr /b', 'ls2 /', 'redo 999', 'create -e /eph', 'getEphemerals /eph', 'history'),
  { text: 'help', differs: "Apache's shell has no such command; ours prints what there is" },
  { text: 'redo x', differs: crash },
  ...same('connect', 'ls /', 'close'),
  {
    text: 'ls /',
    differs: "Apache's shell says that it is not connected after commands that need no connection, too",
  },
  { text: 'connect', differs: 'as before' },
  ...same('get /b'),
];

/** Run one at a time, each in a shell of its own; what differs is told as above. */
export const ONE_SHOTS: readonly (Line & { readonly words: readonly string[] })[] = [
  ['ls', '/'],
  ['get', '/b'],
  ['get', '-s', '/b'],
  ['get', '/none'],
  ['create', '/b', 'x'],
  ['create', '/one-shot', 'a b "c"'],
  ['get'],
  ['ls /'],
  ['foo'],
  ['set', '-v', '9', '/b', 'x'],
  ['redo', '0'],
  ['printwatches'],
].map((words) => ({ words, text: words.join(' ') }));

/** Typed at a terminal, each when the shell shows its prompt, with the znodes that the lines above have left. */
export const TERMINAL_LINES: readonly string[] = [
  ...['ls /b', 'get /none', '', 'create -e /mine y', 'get', 'foo', 'set -v 99 /b x', 'history', 'redo 1', 'redo 99'],
  ...['ls /b', 'close', 'quit'],
];
