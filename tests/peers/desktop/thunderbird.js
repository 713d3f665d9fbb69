// What the tests let Thunderbird do; loaded before each call, in its privileged context.
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

async function until(look, what, ms = 20000) {
  for (const end = Date.now() + ms; ; await sleep(50)) {
    const found = look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited for ${what}`);
  }
}

function server(key) {
  return MailServices.accounts.getAccount(key).incomingServer;
}

function folder(key, name) {
  return server(key).rootFolder.subFolders.find(each => each.name.toLowerCase() == name.toLowerCase());
}

// Look for new mail in a folder; it fails with the code that the connection ended by. Thunderbird forgets a request now
// and then while it lists folders by itself, so no answer is waited for long: callers look at what is there.
function refresh(which) {
  const done = new Promise((resolve, reject) =>
    which.QueryInterface(Ci.nsIMsgImapMailFolder).updateFolderWithListener(window.msgWindow, {
      QueryInterface: ChromeUtils.generateQI(["nsIUrlListener"]),
      OnStartRunningUrl() {},
      OnStopRunningUrl(url, code) {
        code ? reject(new Error(`refused: 0x${code.toString(16)}`)) : resolve();
      },
    })
  );
  return Promise.race([done, sleep(5000)]);
}

async function trust(certificate) {
  const known = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB);
  known.addCertFromBase64(certificate, "CTu,Cu,Cu");
}

async function remember(origin, realm, login, secret) {
  const entry = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
  entry.init(origin, null, realm, login, secret, "", "");
  await Services.logins.addLoginAsync(entry);
}

// An issuer of tokens for a mail server, whose name must have a dot in it; `remember` keeps the refresh token under oauth://NAME.
async function register(name, tokenEndpoint, host, scope) {
  const { OAuth2Providers } = ChromeUtils.importESModule("resource:///modules/OAuth2Providers.sys.mjs");
  const details = { name, clientId: "thunderbird", tokenEndpoint, authorizationEndpoint: tokenEndpoint };
  OAuth2Providers.registerProvider({ ...details, redirectionEndpoint: "https://localhost" }, [host], scope);
}

// The subjects in the Inbox, and the text of one message as a tab shows it.
async function readInbox(key, subject) {
  const inbox = folder(key, "INBOX");
  await refresh(inbox);
  const header = await until(() => [...inbox.messages].find(h => h.mime2DecodedSubject.includes(subject)), subject);
  const tabs = document.getElementById("tabmail");
  const messageURI = inbox.getUriForMsg(header);
  const tab = tabs.openTab("mailMessageTab", { messageURI, background: false });
  const shown = await until(() => {
    const about = tab.chromeBrowser.contentWindow;
    return about?.gMessageURI == messageURI && about.msgLoaded && about.document;
  }, "the message");
  const body = await until(() => shown.getElementById("messagepane").contentDocument?.body, "the text");
  const text = body.textContent.trim();
  tabs.closeTab(tab);
  // Not before: while it lists folders, it sometimes forgets to ask the server for the text.
  server(key).performExpand(window.msgWindow);
  await until(() => folder(key, "Sent"), "the folder list");
  return { subjects: [...inbox.messages].map(h => h.mime2DecodedSubject).sort(), text };
}

// Write and send by the window for it; what it kept in Sent.
async function send(key, to, subject) {
  const params = Cc["@mozilla.org/messengercompose/composeparams;1"].createInstance(Ci.nsIMsgComposeParams);
  const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
  fields.to = to;
  fields.subject = subject;
  fields.body = "by Thunderbird\n";
  params.composeFields = fields;
  params.identity = MailServices.accounts.getAccount(key).defaultIdentity;
  params.type = Ci.nsIMsgCompType.New;
  params.format = Ci.nsIMsgCompFormat.PlainText;
  MailServices.compose.OpenComposeWindowWithParams(null, params);
  const composing = await until(() => {
    const found = Services.wm.getMostRecentWindow("msgcompose");
    return found?.gMsgCompose?.editor && found.ComposeCanClose && !found.gWindowLocked && found;
  }, "the window for a new message");
  await until(() => composing.document.readyState == "complete" && composing.document.title.includes(subject), "it");
  await sleep(300); // the window says nowhere that its start is over
  composing.goDoCommand("cmd_sendNow");
  await until(() => composing.closed, "the end of sending");
  const sent = folder(key, "Sent");
  await refresh(sent);
  await until(() => [...sent.messages].some(h => h.mime2DecodedSubject == subject), "the copy in Sent");
  return [...sent.messages].map(h => h.mime2DecodedSubject);
}

function header(which, subject) {
  return [...which.messages].find(each => each.mime2DecodedSubject.includes(subject));
}

// A message that a folder gets by what is done, and another loses.
async function arrives(which, subject) {
  await until(() => {
    refresh(which).catch(() => {});
    return header(which, subject);
  }, `${subject} in ${which.name}`);
}

// Every folder below the account, by its path.
async function folders(key) {
  await refresh(folder(key, "INBOX"));
  server(key).performExpand(window.msgWindow);
  await until(() => folder(key, "Trash") && folder(key, "Archive"), "the folder list");
  return server(key).rootFolder.descendants.map(each => decodeURIComponent(each.URI.split("/").slice(3).join("/"))).sort();
}

// Star a message, mark it read, tag it.
async function mark(key, subject, tag) {
  const inbox = folder(key, "INBOX");
  const one = header(inbox, subject);
  inbox.markMessagesFlagged([one], true);
  inbox.markMessagesRead([one], true);
  inbox.addKeywordsToMessages([one], tag);
  await until(() => one.isFlagged && one.isRead && one.getStringProperty("keywords").includes(tag), "the marks");
}

async function move(key, subject, target) {
  const inbox = folder(key, "INBOX");
  MailServices.copy.copyMessages(inbox, [header(inbox, subject)], folder(key, target), true, null, window.msgWindow, false);
  await until(() => !header(inbox, subject), "the message to go");
  await arrives(folder(key, target), subject);
}

async function discard(key, subject) {
  const inbox = folder(key, "INBOX");
  inbox.deleteMessages([header(inbox, subject)], window.msgWindow, false, false, null, true);
  await until(() => !header(inbox, subject), "the message to go");
  await arrives(folder(key, "Trash"), subject);
}

// Search on the server: the subjects of what contains a text in its body, or in its subject.
async function search(key, where, text) {
  const session = Cc["@mozilla.org/messenger/searchSession;1"].createInstance(Ci.nsIMsgSearchSession);
  session.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, folder(key, "INBOX"));
  const term = session.createTerm();
  const value = term.value;
  value.attrib = term.attrib = Ci.nsMsgSearchAttrib[where];
  value.str = text;
  term.value = value;
  term.op = Ci.nsMsgSearchOp.Contains;
  term.booleanAnd = true;
  session.appendTerm(term);
  const hits = [];
  await new Promise((resolve, reject) => {
    session.registerListener({
      QueryInterface: ChromeUtils.generateQI(["nsIMsgSearchNotify"]),
      onSearchHit(one) { hits.push(one.mime2DecodedSubject); },
      onSearchDone(code) { code ? reject(new Error(`search: ${code}`)) : resolve(); },
      onNewSearch() {},
    });
    session.search(window.msgWindow);
  });
  return hits.sort();
}

async function create(key, name) {
  server(key).rootFolder.createSubfolder(name, window.msgWindow);
  await until(() => folder(key, name), name);
}

// Fetch a whole folder for reading without a network, go offline, and read a message there.
async function readOffline(key, name, subject) {
  const which = folder(key, name);
  which.setFlag(Ci.nsMsgFolderFlags.Offline);
  await refresh(which);
  which.downloadAllForOffline(null, window.msgWindow);
  await until(() => [...which.messages].every(each => each.flags & Ci.nsMsgMessageFlags.Offline), "the copies");
  Services.io.offline = true;
  try {
    const one = header(which, subject);
    return await new Promise((resolve, reject) => {
      const chunks = [];
      const service = MailServices.messageServiceFromURI(which.getUriForMsg(one));
      service.streamMessage(which.getUriForMsg(one), {
        QueryInterface: ChromeUtils.generateQI(["nsIStreamListener"]),
        onStartRequest() {},
        onStopRequest(request, code) { code ? reject(new Error(`offline: ${code}`)) : resolve(chunks.join("")); },
        onDataAvailable(request, stream, offset, count) {
          const input = Cc["@mozilla.org/scriptableinputstream;1"].createInstance(Ci.nsIScriptableInputStream);
          input.init(stream);
          chunks.push(input.read(count));
        },
      }, window.msgWindow, null, false, "", true);
    });
  } finally {
    Services.io.offline = false;
  }
}

// Whether mail that comes while an Inbox is open is shown without asking for it (IDLE).
async function awaits(key, subject) {
  await until(() => header(folder(key, "INBOX"), subject), subject);
}
