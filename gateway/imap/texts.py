"""What replies say, in every language on offer: one table, by the English text ([RFC5255] 3.2).

Before LANGUAGE a session speaks `i-default`, which is English in ASCII ([RFC5255] 3.1); the others are UTF-8. What is
not in the table, such as where in a command the grammar is broken, stays English behind a sentence that says so.
"""

from __future__ import annotations

from gateway.services import languages

DEFAULT = languages.DEFAULT
"""What a session speaks before LANGUAGE."""

_COMPLETED = b" completed."
_COMPLETE = {"de": "%s ist ausgeführt.", "es": "%s se ha completado.", "fr": "%s est terminé."}
_OTHER = {
    "de": "Das geht so nicht: %s",
    "es": "Eso no es posible así: %s",
    "fr": "Ce n'est pas possible ainsi : %s",
}
_COLUMNS = ("de", "es", "fr")

_ROWS = """
A mailbox cannot move below itself.
    Ein Ordner kann nicht unter sich selbst.
    Un buzón no puede ir debajo de sí mismo.
    Une boîte ne peut pas aller sous elle-même.
A mailbox cannot move to another user.
    Ein Ordner kann nicht zu einem anderen Benutzer.
    Un buzón no puede pasar a otro usuario.
    Une boîte ne peut pas passer à un autre utilisateur.
APPEND is given up: a message cannot be empty.
    APPEND ist abgebrochen: Eine Nachricht kann nicht leer sein.
    APPEND se abandona: un mensaje no puede estar vacío.
    APPEND est abandonné : un message ne peut pas être vide.
AUTHENTICATE failed.
    Die Anmeldung ist fehlgeschlagen.
    La autenticación ha fallado.
    L'authentification a échoué.
AUTHENTICATE failed: malformed response.
    Die Anmeldung ist fehlgeschlagen: Die Antwort ist fehlerhaft.
    La autenticación ha fallado: respuesta mal formada.
    L'authentification a échoué : réponse mal formée.
Autologout; idle for too long.
    Abgemeldet, weil zu lange nichts geschah.
    Desconexión por inactividad.
    Déconnexion pour inactivité.
Begin TLS negotiation now.
    TLS kann jetzt beginnen.
    TLS puede empezar ahora.
    TLS peut commencer maintenant.
COPY completed; there was nothing to copy.
    COPY ist ausgeführt; es gab nichts zu kopieren.
    COPY se ha completado; no había nada que copiar.
    COPY est terminé ; il n'y avait rien à copier.
Command is not valid in this state.
    Der Befehl ist jetzt nicht erlaubt.
    La orden no es válida en este estado.
    La commande n'est pas permise dans cet état.
Conditional STORE failed for some.
    Bei einigen hat das bedingte STORE nicht gegolten.
    El STORE condicional ha fallado para algunos.
    Le STORE conditionnel a échoué pour certains.
DEFLATE active.
    DEFLATE ist aktiv.
    DEFLATE está activo.
    DEFLATE est actif.
DEFLATE is active already.
    DEFLATE ist schon aktiv.
    DEFLATE ya está activo.
    DEFLATE est déjà actif.
Enable QRESYNC first.
    Zuerst ist QRESYNC einzuschalten.
    Primero hay que activar QRESYNC.
    Il faut d'abord activer QRESYNC.
Expected DONE.
    DONE wurde erwartet.
    Se esperaba DONE.
    DONE était attendu.
FlagChange needs MessageNew and MessageExpunge.
    FlagChange geht nur mit MessageNew und MessageExpunge.
    FlagChange requiere MessageNew y MessageExpunge.
    FlagChange exige MessageNew et MessageExpunge.
INBOX cannot be deleted.
    INBOX kann nicht gelöscht werden.
    INBOX no se puede borrar.
    INBOX ne peut pas être supprimée.
Internal error.
    Interner Fehler.
    Error interno.
    Erreur interne.
Invalid mailbox name.
    Das ist kein möglicher Ordnername.
    Nombre de buzón no válido.
    Nom de boîte non valable.
LOGIN failed.
    Die Anmeldung ist fehlgeschlagen.
    La autenticación ha fallado.
    L'authentification a échoué.
LOGIN is disabled; use AUTHENTICATE.
    LOGIN ist abgeschaltet; AUTHENTICATE ist zu verwenden.
    LOGIN está desactivado; use AUTHENTICATE.
    LOGIN est désactivé ; utilisez AUTHENTICATE.
MOVE completed; there was nothing to move.
    MOVE ist ausgeführt; es gab nichts zu verschieben.
    MOVE se ha completado; no había nada que mover.
    MOVE est terminé ; il n'y avait rien à déplacer.
Mailbox already exists.
    Den Ordner gibt es schon.
    El buzón ya existe.
    La boîte existe déjà.
Mailbox does not exist.
    Den Ordner gibt es nicht.
    El buzón no existe.
    La boîte n'existe pas.
Mailbox is only a name; nothing can be in it.
    Der Ordner ist nur ein Name; er kann nichts enthalten.
    El buzón es solo un nombre; no puede contener nada.
    La boîte n'est qu'un nom ; elle ne peut rien contenir.
Mailbox name is too long.
    Der Ordnername ist zu lang.
    El nombre del buzón es demasiado largo.
    Le nom de la boîte est trop long.
Message numbers are not in use.
    Nachrichtennummern werden nicht verwendet.
    No se usan números de mensaje.
    Les numéros de message ne sont pas utilisés.
MessageNew and MessageExpunge go together.
    MessageNew und MessageExpunge gehören zusammen.
    MessageNew y MessageExpunge van juntos.
    MessageNew et MessageExpunge vont ensemble.
Messages have no numbers here.
    Nachrichten haben hier keine Nummern.
    Aquí los mensajes no tienen números.
    Ici, les messages n'ont pas de numéros.
No mailbox can be given that special use.
    Diesen besonderen Zweck kann kein Ordner bekommen.
    Ningún buzón puede recibir ese uso especial.
    Aucune boîte ne peut recevoir cet usage particulier.
No mailbox is selected.
    Es ist kein Ordner gewählt.
    No hay ningún buzón seleccionado.
    Aucune boîte n'est sélectionnée.
No search of that tag is kept up to date.
    Keine Suche dieses Namens wird auf dem Laufenden gehalten.
    Ninguna búsqueda con esa etiqueta se mantiene al día.
    Aucune recherche de cette étiquette n'est tenue à jour.
No such mailbox or message.
    Den Ordner oder die Nachricht gibt es nicht.
    No existe ese buzón o mensaje.
    Cette boîte ou ce message n'existe pas.
Only STORAGE can be limited.
    Nur STORAGE kann begrenzt werden.
    Solo se puede limitar STORAGE.
    Seul STORAGE peut être limité.
Only events of messages belong to the selected mailbox.
    Zum gewählten Ordner gehören nur Ereignisse von Nachrichten.
    Al buzón seleccionado solo pertenecen eventos de mensajes.
    Seuls des événements de messages concernent la boîte choisie.
Only the last messages were processed, as many as one command may; name the others again.
    Nur die letzten Nachrichten wurden bearbeitet, so viele, wie ein Befehl darf; die anderen sind neu zu nennen.
    Solo se han tratado los últimos mensajes, cuantos permite una orden; nombre de nuevo los demás.
    Seuls les derniers messages ont été traités, autant qu'une commande le permet ; nommez à nouveau les autres.
Only the name is left, and mailboxes below it.
    Nur der Name ist noch da, und Ordner darunter.
    Solo queda el nombre, y buzones debajo.
    Il ne reste que le nom, et des boîtes en dessous.
Only what is found in the selected mailbox can be saved.
    Nur was im gewählten Ordner gefunden wird, lässt sich merken.
    Solo se puede guardar lo que se halla en el buzón seleccionado.
    Seul ce qui est trouvé dans la boîte sélectionnée peut être retenu.
SELECTED and SELECTED-DELAYED exclude one another.
    SELECTED und SELECTED-DELAYED schließen einander aus.
    SELECTED y SELECTED-DELAYED se excluyen.
    SELECTED et SELECTED-DELAYED s'excluent.
Server is shutting down.
    Der Server wird beendet.
    El servidor se está cerrando.
    Le serveur s'arrête.
Sign-in is not possible just now; try again later.
    Die Anmeldung ist gerade nicht möglich; bitte später noch einmal.
    Ahora no es posible entrar; inténtelo más tarde.
    La connexion n'est pas possible pour l'instant ; réessayez plus tard.
Some of the messages have been expunged.
    Einige der Nachrichten sind gelöscht worden.
    Algunos de los mensajes se han eliminado.
    Certains des messages ont été supprimés.
Something else changed it at the same time; try again.
    Etwas anderes hat es gleichzeitig geändert; bitte noch einmal.
    Otro lo cambió al mismo tiempo; inténtelo de nuevo.
    Autre chose l'a modifié en même temps ; réessayez.
Special uses are for one's own mailboxes.
    Besondere Zwecke gibt es nur für eigene Ordner.
    Los usos especiales son para los buzones propios.
    Les usages particuliers sont réservés à ses propres boîtes.
Start TLS first; passwords are not taken in the clear.
    Zuerst STARTTLS; Passwörter werden nicht unverschlüsselt angenommen.
    Primero STARTTLS; no se aceptan contraseñas sin cifrar.
    D'abord STARTTLS ; les mots de passe en clair ne sont pas acceptés.
TLS is active already.
    TLS ist schon aktiv.
    TLS ya está activo.
    TLS est déjà actif.
TLS is not available.
    TLS gibt es hier nicht.
    TLS no está disponible.
    TLS n'est pas disponible.
That URL cannot be given away.
    Diese URL kann nicht weitergegeben werden.
    Esa URL no se puede ceder.
    Cette URL ne peut pas être cédée.
That URL names no text that is here.
    Diese URL nennt keinen Text, den es hier gibt.
    Esa URL no nombra ningún texto de aquí.
    Cette URL ne désigne aucun texte d'ici.
That cannot be found out just now; try again later.
    Das ist gerade nicht festzustellen; bitte später noch einmal.
    Eso no se puede averiguar ahora; inténtelo más tarde.
    Cela ne peut pas être établi pour l'instant ; réessayez plus tard.
That is over a limit of this server.
    Das überschreitet eine Grenze dieses Servers.
    Eso supera un límite de este servidor.
    Cela dépasse une limite de ce serveur.
That is too many messages for one command; name fewer.
    Das sind zu viele Nachrichten für einen Befehl; es müssen weniger sein.
    Son demasiados mensajes para una orden; nombre menos.
    C'est trop de messages pour une commande ; nommez-en moins.
That is too much to search at once.
    Das ist zu viel für eine Suche.
    Es demasiado para buscarlo de una vez.
    C'est trop pour une seule recherche.
That is too much to watch.
    Das ist zu viel zum Beobachten.
    Es demasiado para vigilar.
    C'est trop à surveiller.
That limit is too high; leave STORAGE out for none.
    Diese Grenze ist zu hoch; ohne STORAGE gibt es keine.
    Ese límite es demasiado alto; omita STORAGE para ninguno.
    Cette limite est trop haute ; omettez STORAGE pour aucune.
That mailbox cannot be changed so.
    Der Ordner kann so nicht geändert werden.
    Ese buzón no se puede cambiar así.
    Cette boîte ne peut pas être modifiée ainsi.
That mailbox cannot be deleted.
    Der Ordner kann nicht gelöscht werden.
    Ese buzón no se puede borrar.
    Cette boîte ne peut pas être supprimée.
That mailbox cannot be renamed.
    Der Ordner kann nicht umbenannt werden.
    Ese buzón no se puede renombrar.
    Cette boîte ne peut pas être renommée.
That mailbox keeps its special use.
    Der Ordner behält seinen besonderen Zweck.
    Ese buzón conserva su uso especial.
    Cette boîte garde son usage particulier.
That name stands for the mailboxes below it.
    Der Name steht für die Ordner darunter.
    Ese nombre representa los buzones de debajo.
    Ce nom désigne les boîtes en dessous.
The AUTH protocol exchange was canceled by the client.
    Der Client hat die Anmeldung abgebrochen.
    El cliente ha cancelado la autenticación.
    Le client a annulé l'authentification.
The mailbox cannot be opened.
    Das Postfach kann nicht geöffnet werden.
    El buzón no se puede abrir.
    La boîte ne peut pas être ouverte.
The mailbox is full.
    Das Postfach ist voll.
    El buzón está lleno.
    La boîte est pleine.
The mailbox is not available just now; try again later.
    Das Postfach ist gerade nicht verfügbar; bitte später noch einmal.
    El buzón no está disponible ahora; inténtelo más tarde.
    La boîte n'est pas disponible pour l'instant ; réessayez plus tard.
The mailbox is on another server.
    Das Postfach ist auf einem anderen Server.
    El buzón está en otro servidor.
    La boîte est sur un autre serveur.
The mailbox is selected read-only.
    Der Ordner ist nur zum Lesen gewählt.
    El buzón está abierto solo para lectura.
    La boîte est ouverte en lecture seule.
The message is longer than this server takes.
    Die Nachricht ist länger, als dieser Server annimmt.
    El mensaje es más largo de lo que acepta el servidor.
    Le message est plus long que ce serveur n'accepte.
The message to replace is not there.
    Die Nachricht, die ersetzt werden soll, ist nicht da.
    El mensaje que reemplazar no está.
    Le message à remplacer n'est pas là.
The name of the entry is too long.
    Der Name des Eintrags ist zu lang.
    El nombre de la entrada es demasiado largo.
    Le nom de l'entrée est trop long.
The owner keeps all rights.
    Der Besitzer behält alle Rechte.
    El propietario conserva todos los derechos.
    Le propriétaire garde tous les droits.
The selected mailbox is gone.
    Den gewählten Ordner gibt es nicht mehr.
    El buzón seleccionado ya no existe.
    La boîte choisie n'existe plus.
The sign-in has expired; sign in again.
    Die Anmeldung ist abgelaufen; bitte neu anmelden.
    La sesión ha caducado; entre de nuevo.
    La session a expiré ; reconnectez-vous.
The tag is in use by a search that is kept up to date.
    Den Namen hat schon eine Suche, die auf dem Laufenden gehalten wird.
    La etiqueta la usa una búsqueda que se mantiene al día.
    L'étiquette sert à une recherche tenue à jour.
The transfer encoding of a part is not known.
    Die Kodierung eines Teils ist nicht bekannt.
    La codificación de una parte no se conoce.
    L'encodage d'une partie n'est pas connu.
The value is too long.
    Der Wert ist zu lang.
    El valor es demasiado largo.
    La valeur est trop longue.
There are no negative rights.
    Negative Rechte gibt es nicht.
    No hay derechos negativos.
    Il n'y a pas de droits négatifs.
There are too many entries.
    Es gibt zu viele Einträge.
    Hay demasiadas entradas.
    Il y a trop d'entrées.
There is no such comparator.
    Diesen Vergleich gibt es nicht.
    No existe ese comparador.
    Ce comparateur n'existe pas.
There is no such entry.
    Diesen Eintrag gibt es nicht.
    No existe esa entrada.
    Cette entrée n'existe pas.
There is no such event.
    Dieses Ereignis gibt es nicht.
    No existe ese evento.
    Cet événement n'existe pas.
There is no such mechanism.
    Dieses Verfahren gibt es nicht.
    No existe ese mecanismo.
    Ce mécanisme n'existe pas.
There is no such quota root.
    Diese Quotenwurzel gibt es nicht.
    No existe esa raíz de cuota.
    Cette racine de quota n'existe pas.
There is no such system flag to set.
    Diese Systemmarkierung kann nicht gesetzt werden.
    No existe tal marca de sistema.
    Cette marque système ne peut pas être posée.
There is nobody of that name to have rights.
    Niemand dieses Namens kann Rechte haben.
    No hay nadie con ese nombre que pueda tener derechos.
    Personne de ce nom ne peut avoir de droits.
Timed out waiting for login.
    Es hat sich niemand rechtzeitig angemeldet.
    Nadie ha entrado a tiempo.
    Personne ne s'est connecté à temps.
Too many bad commands.
    Zu viele fehlerhafte Befehle.
    Demasiadas órdenes erróneas.
    Trop de commandes erronées.
Too many failed logins.
    Zu viele Anmeldungen sind fehlgeschlagen.
    Demasiados intentos fallidos de entrar.
    Trop de connexions ont échoué.
UIDONLY is enabled: messages have no numbers.
    UIDONLY ist eingeschaltet: Nachrichten haben keine Nummern.
    UIDONLY está activado: los mensajes no tienen números.
    UIDONLY est activé : les messages n'ont pas de numéros.
Unknown command.
    Diesen Befehl gibt es nicht.
    Orden desconocida.
    Commande inconnue.
Unknown compression algorithm.
    Diese Komprimierung gibt es nicht.
    Compresión desconocida.
    Compression inconnue.
Unsupported authentication mechanism.
    Dieses Anmeldeverfahren gibt es nicht.
    Mecanismo de autenticación no admitido.
    Mécanisme d'authentification non reconnu.
Unsupported language.
    Diese Sprache gibt es hier nicht.
    Idioma no admitido.
    Cette langue n'est pas disponible.
What all see of the server is the administrator's to change.
    Was alle vom Server sehen, ändert der Administrator.
    Lo que todos ven del servidor lo cambia el administrador.
    Ce que tous voient du serveur, l'administrateur le change.
You lack the right to do that.
    Dazu fehlt das Recht.
    No tiene derecho a hacer eso.
    Vous n'en avez pas le droit.
You may not see that quota.
    Diese Quote ist nicht einsehbar.
    No puede ver esa cuota.
    Vous ne pouvez pas voir ce quota.
You may not set that quota.
    Diese Quote ist nicht änderbar.
    No puede fijar esa cuota.
    Vous ne pouvez pas fixer ce quota.
oxgate signing off.
    oxgate meldet sich ab.
    oxgate se despide.
    oxgate vous salue.
"""
"""English; below it German, Spanish, French."""


def _read(rows: str) -> dict[str, dict[bytes, bytes]]:
    """The table by language, then by the English text."""
    table: dict[str, dict[bytes, bytes]] = {language: {} for language in _COLUMNS}
    lines = [line.strip() for line in rows.strip().splitlines()]
    for english, *others in zip(*[iter(lines)] * 4, strict=True):
        for language, text in zip(_COLUMNS, others, strict=True):
            table[language][english.encode("ascii")] = text.encode()
    return table


TABLE = _read(_ROWS)


def translate(language: str, text: bytes) -> bytes:
    """A reply's text in one of the languages."""
    table = TABLE.get(language)
    if table is None:
        return text
    found = table.get(text)
    if found is not None:
        return found
    if text.endswith(_COMPLETED):
        return (_COMPLETE[language] % text.removesuffix(_COMPLETED).decode("ascii", "replace")).encode()
    return (_OTHER[language] % text.decode("ascii", "replace")).encode()


def choose(ranges: tuple[str, ...], preferred: str) -> str | None:
    """The language that the first range matches that matches any, None where none does ([RFC5255] 3.2, [RFC4647] 3.4).

    `default` is the administrator's choice, and so is `*`, which leaves it to the server.
    """
    for each in ranges:
        if each.lower() in ("default", "*"):
            return preferred
        found = languages.lookup(each)
        if found is not None:
            return found
    return None
