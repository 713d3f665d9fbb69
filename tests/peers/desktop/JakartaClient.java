import jakarta.mail.AuthenticationFailedException;
import jakarta.mail.Folder;
import jakarta.mail.Message;
import jakarta.mail.Session;
import jakarta.mail.Store;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.io.FileInputStream;
import java.io.InputStream;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Date;
import java.util.Properties;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * Signs in by one mechanism under STARTTLS; then reads the Inbox (imap, pop3) or sends a message to itself (smtp).
 *
 * Arguments: protocol, port, certificate of the authority, login, password or token, address, mechanism; "sasl:" before
 * the mechanism takes the JDK's own SASL clients. Exit 0: done; 3: refused, or no such mechanism is offered.
 */
public class JakartaClient {
    public static void main(String[] args) throws Exception {
        String protocol = args[0], login = args[3], secret = args[4], address = args[5];
        int port = Integer.parseInt(args[1]);
        String prefix = "mail." + protocol + ".";
        boolean sasl = args[6].startsWith("sasl:");
        String mechanism = sasl ? args[6].substring(5) : args[6];
        Properties settings = new Properties();
        settings.put(prefix + "timeout", "20000");
        settings.put(prefix + "connectiontimeout", "20000");
        settings.put(prefix + "starttls.enable", "true");
        settings.put(prefix + "starttls.required", "true");
        settings.put(prefix + "ssl.socketFactory", trusting(args[2]).getSocketFactory());
        settings.put(prefix + "ssl.checkserveridentity", "true");
        settings.put(prefix + "auth", "true");
        settings.put(prefix + "auth.ntlm.domain", "EXAMPLE");
        settings.put("mail.debug.auth", "true");
        if (sasl) {
            settings.put(prefix + "sasl.enable", "true");
            settings.put(prefix + "sasl.mechanisms", mechanism);
            settings.put(prefix + "auth.mechanisms", "NONE");  // or it would go on with its own clients
        } else {
            settings.put(prefix + "auth.mechanisms", mechanism);
        }
        Session session = Session.getInstance(settings);
        session.setDebugOut(System.out);
        session.setDebug(true);
        try {
            if (protocol.equals("smtp")) {
                send(session, port, login, secret, address, mechanism);
            } else {
                read(session, protocol, port, login, secret);
            }
        } catch (AuthenticationFailedException refused) {
            System.out.println("REFUSED " + refused.getMessage());
            System.exit(3);
        }
    }

    private static void read(Session session, String protocol, int port, String login, String secret) throws Exception {
        try (Store store = session.getStore(protocol)) {
            store.connect("localhost", port, login, secret);
            Folder inbox = store.getFolder("INBOX");
            inbox.open(Folder.READ_ONLY);
            System.out.println("INBOX " + inbox.getMessageCount());
            for (Message message : inbox.getMessages()) {
                System.out.println("SUBJECT " + message.getSubject());
            }
            System.out.println("BODY " + ((String) inbox.getMessage(1).getContent()).trim());
            inbox.close(false);
        }
    }

    private static void send(
            Session session, int port, String login, String secret, String address, String mechanism) throws Exception {
        MimeMessage message = new MimeMessage(session);
        message.setFrom(new InternetAddress(address));
        message.setRecipients(Message.RecipientType.TO, address);
        message.setSubject("by Jakarta Mail, " + mechanism);
        message.setText("body\n", "utf-8");
        message.setSentDate(new Date());
        message.saveChanges();
        try (Transport transport = session.getTransport("smtp")) {
            transport.connect("localhost", port, login, secret);
            transport.sendMessage(message, message.getAllRecipients());
            System.out.println("SENT");
        }
    }

    private static SSLContext trusting(String authority) throws Exception {
        KeyStore known = KeyStore.getInstance(KeyStore.getDefaultType());
        known.load(null);
        try (InputStream file = new FileInputStream(authority)) {
            known.setCertificateEntry("authority", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(known);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return context;
    }
}
