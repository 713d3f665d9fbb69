import com.sun.mail.imap.AppendUID;
import com.sun.mail.imap.IMAPFolder;
import com.sun.mail.imap.IMAPStore;
import com.sun.mail.imap.SortTerm;
import jakarta.mail.FetchProfile;
import jakarta.mail.Flags;
import jakarta.mail.Folder;
import jakarta.mail.Message;
import jakarta.mail.Multipart;
import jakarta.mail.Session;
import jakarta.mail.UIDFolder;
import jakarta.mail.event.MessageCountAdapter;
import jakarta.mail.event.MessageCountEvent;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.search.AndTerm;
import jakarta.mail.search.BodyTerm;
import jakarta.mail.search.FlagTerm;
import jakarta.mail.search.FromStringTerm;
import jakarta.mail.search.SubjectTerm;
import java.util.Date;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A program of the line-of-business kind: lists, reads, searches, flags, moves, appends, waits for mail, deletes.
 *
 * Arguments: port, login, password. The Inbox holds the three messages seed-1 to seed-3. Exit 0: all is as it should be.
 */
public class JakartaWork {
    private static void want(boolean right, String what) {
        System.out.println((right ? "ok   " : "FAIL ") + what);
        if (!right) {
            System.exit(1);
        }
    }

    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        settings.put("mail.imap.timeout", "20000");
        settings.put("mail.imap.connectiontimeout", "20000");
        settings.put("mail.imap.auth.mechanisms", "PLAIN LOGIN");
        Session session = Session.getInstance(settings);
        session.setDebugOut(System.out);
        session.setDebug(System.getenv("MAILDEBUG") != null);
        try (IMAPStore store = (IMAPStore) session.getStore("imap")) {
            store.connect("127.0.0.1", Integer.parseInt(args[0]), args[1], args[2]);
            boolean archive = false;
            for (Folder folder : store.getDefaultFolder().list("*")) {
                archive |= folder.getFullName().equals("Archive");
            }
            want(archive, "folder list");
            want(store.getPersonalNamespaces().length == 1, "namespace");
            IMAPFolder inbox = (IMAPFolder) store.getFolder("INBOX");
            inbox.open(Folder.READ_WRITE);
            want(inbox.getMessageCount() == 3 && inbox.getUnreadMessageCount() == 3, "counts");
            FetchProfile profile = new FetchProfile();
            profile.add(FetchProfile.Item.ENVELOPE);
            profile.add(FetchProfile.Item.CONTENT_INFO);
            profile.add(FetchProfile.Item.FLAGS);
            profile.add(UIDFolder.FetchProfileItem.UID);
            profile.add("Message-ID");
            Message[] messages = inbox.getMessages();
            inbox.fetch(messages, profile);
            want(messages[0].getSubject().equals("seed-1 hello"), "subject");
            want(messages[1].getSubject().contains("Gr\u00fc\u00dfe"), "subject in UTF-8");
            want(((String) messages[0].getContent()).contains("token-1"), "text");
            want(((Multipart) messages[2].getContent()).getBodyPart(1).getFileName().equals("t.csv"), "attachment");
            want(inbox.getUID(messages[2]) == 3 && inbox.getMessageByUID(2) == messages[1], "UIDs");
            want(inbox.search(new SubjectTerm("seed-2")).length == 1, "search by subject");
            want(inbox.search(new SubjectTerm("gr\u00fc\u00dfe")).length == 1, "search in UTF-8");
            want(inbox.search(new BodyTerm("token-3")).length == 1, "search by body");
            Flags seen = new Flags(Flags.Flag.SEEN);
            AndTerm both = new AndTerm(new FromStringTerm("Sender"), new FlagTerm(seen, false));
            want(inbox.search(both).length == 2, "search by two terms");
            if (store.hasCapability("SORT")) {
                Message[] sorted = inbox.getSortedMessages(new SortTerm[] {SortTerm.REVERSE, SortTerm.SUBJECT});
                want(sorted.length == 3 && sorted[0] == messages[2], "sorted by the server");
            }
            messages[0].setFlag(Flags.Flag.FLAGGED, true);
            messages[0].setFlags(new Flags("$label1"), true);
            want(messages[0].isSet(Flags.Flag.FLAGGED) && messages[0].getFlags().contains("$label1"), "flags");
            inbox.moveMessages(new Message[] {messages[1]}, store.getFolder("Archive"));
            want(store.getFolder("Archive").getMessageCount() == 1, "move");
            MimeMessage fresh = new MimeMessage(session);
            fresh.setSubject("appended \u00e4");
            fresh.setText("body\n", "utf-8");
            fresh.setSentDate(new Date());
            fresh.saveChanges();
            CountDownLatch came = new CountDownLatch(1);
            inbox.addMessageCountListener(new MessageCountAdapter() {
                @Override
                public void messagesAdded(MessageCountEvent event) {
                    came.countDown();
                }
            });
            Thread idler = new Thread(() -> {
                try {
                    inbox.idle(true);
                } catch (Exception error) {
                    System.out.println(error);
                }
            });
            idler.start();
            IMAPFolder again = (IMAPFolder) store.getFolder("INBOX");
            AppendUID[] uids = again.appendUIDMessages(new Message[] {fresh});
            want(uids.length == 1 && uids[0].uid == 4, "append");
            want(came.await(10, TimeUnit.SECONDS), "told of it while idle");
            idler.join(10_000);
            messages[2].setFlag(Flags.Flag.DELETED, true);
            want(inbox.expunge().length == 2, "expunge: this one, and the one that moved");
            if (store.hasCapability("QUOTA")) {
                want(inbox.getQuota().length >= 1, "quota");
            }
            if (store.hasCapability("ACL")) {
                want(inbox.myRights() != null, "rights");
            }
            Folder made = store.getFolder("Made/Below");
            want(made.create(Folder.HOLDS_MESSAGES) && made.exists(), "folder made");
            want(made.renameTo(store.getFolder("Renamed")), "folder renamed");
            want(store.getFolder("Renamed").delete(true), "folder deleted");
            inbox.close(false);
        }
        System.out.println("DONE");
    }
}
