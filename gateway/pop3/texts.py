"""What replies say, in every language on offer ([RFC6856] 3): one table, and the voice that a session speaks with.

Before LANG a session speaks `i-default`, which is English in ASCII ([RFC1939] 3); the others are UTF-8. A text with
a number in it holds one `%d`. No reply line is longer than 512 octets ([RFC2449] 4, [MS-STANXPOP3] 2.2.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto

from gateway.pop3.protocol import err, ok
from gateway.services.languages import DEFAULT, lookup


class Text(Enum):
    """A sentence that a reply may hold."""

    GREETING = auto()
    SIGNING_OFF = auto()
    LOGGED_ON = auto()
    CAPABILITIES = auto()
    BEGIN_TLS = auto()
    UTF8_ON = auto()
    LANGUAGES = auto()
    LANGUAGE_CHANGED = auto()
    OCTETS = auto()
    UNKNOWN_COMMAND = auto()
    WRONG_STATE = auto()
    TOO_LONG = auto()
    BAD_ARGUMENTS = auto()
    SERVER_ERROR = auto()
    TOO_MANY_ERRORS = auto()
    NEEDS_TLS = auto()
    ONLY_AUTH = auto()
    CANCELLED = auto()
    UNKNOWN_MECHANISM = auto()
    BAD_RESPONSE = auto()
    LOGON_FAILED = auto()
    SIGN_IN_AWAY = auto()
    TOO_MANY_ATTEMPTS = auto()
    TOO_SOON = auto()
    IN_USE = auto()
    NO_MESSAGE = auto()
    REMOVED = auto()
    LATER = auto()
    DENIED = auto()
    FULL = auto()
    OVER_LIMIT = auto()
    READ_ONLY = auto()
    NOT_REMOVED = auto()
    NEEDS_UTF8 = auto()
    NO_LANGUAGE = auto()
    STOPPING = auto()
    EXPIRED = auto()
    TIMED_OUT = auto()
    TOO_MANY_CONNECTIONS = auto()


_ENGLISH = {
    Text.GREETING: "The oxgate POP3 service is ready.",
    Text.SIGNING_OFF: "The oxgate POP3 service is signing off.",
    Text.LOGGED_ON: "User successfully logged on.",
    Text.CAPABILITIES: "Capability list follows",
    Text.BEGIN_TLS: "Begin TLS negotiation.",
    Text.UTF8_ON: "UTF-8 is on",
    Text.LANGUAGES: "Language listing follows:",
    Text.LANGUAGE_CHANGED: "The language is English now",
    Text.OCTETS: "%d octets",
    Text.UNKNOWN_COMMAND: "Protocol error. Command is not known",
    Text.WRONG_STATE: "Command is not valid in this state.",
    Text.TOO_LONG: "Line too long",
    Text.BAD_ARGUMENTS: "Protocol error. Invalid arguments",
    Text.SERVER_ERROR: "Server error, try again later",
    Text.TOO_MANY_ERRORS: "Too many bad commands",
    Text.NEEDS_TLS: "Signing in without TLS is not permitted; use STLS",
    Text.ONLY_AUTH: "Signing in by USER is not permitted; use AUTH",
    Text.CANCELLED: "The AUTH protocol exchange was canceled by the client",
    Text.UNKNOWN_MECHANISM: "Unrecognized authentication type",
    Text.BAD_RESPONSE: "Protocol error. Invalid authentication response",
    Text.LOGON_FAILED: "Logon failure: unknown user name or bad password.",
    Text.SIGN_IN_AWAY: "Sign-in is not available at the moment, try again later",
    Text.TOO_MANY_ATTEMPTS: "Too many attempts, try again later",
    Text.TOO_SOON: "You have signed in a short while ago; wait %d seconds",
    Text.IN_USE: "Another POP3 session has the mailbox open",
    Text.NO_MESSAGE: "No such message",
    Text.REMOVED: "Another session has removed that",
    Text.LATER: "The mailbox is not available at the moment, try again later",
    Text.DENIED: "Access to the mailbox is denied",
    Text.FULL: "The mailbox is full",
    Text.OVER_LIMIT: "Over a limit of the server",
    Text.READ_ONLY: "The mailbox cannot be changed",
    Text.NOT_REMOVED: "Messages that could not be removed: %d",
    Text.NEEDS_UTF8: "The message needs UTF-8; use UTF8 before signing in",
    Text.NO_LANGUAGE: "That language is not known here",
    Text.STOPPING: "The service is shutting down",
    Text.EXPIRED: "The sign-in has expired; sign in again",
    Text.TIMED_OUT: "Connection is closed: timed out",
    Text.TOO_MANY_CONNECTIONS: "Too many connections, try again later",
}

_GERMAN = {
    Text.GREETING: "Der POP3-Dienst von oxgate ist bereit.",
    Text.SIGNING_OFF: "Der POP3-Dienst von oxgate verabschiedet sich.",
    Text.LOGGED_ON: "Der Benutzer ist angemeldet.",
    Text.CAPABILITIES: "Es folgt die Liste der Fähigkeiten",
    Text.BEGIN_TLS: "Die TLS-Aushandlung kann beginnen.",
    Text.UTF8_ON: "UTF-8 ist eingeschaltet",
    Text.LANGUAGES: "Es folgt die Liste der Sprachen:",
    Text.LANGUAGE_CHANGED: "Die Sprache ist jetzt Deutsch",
    Text.OCTETS: "%d Oktette",
    Text.UNKNOWN_COMMAND: "Protokollfehler. Der Befehl ist unbekannt",
    Text.WRONG_STATE: "Der Befehl ist in diesem Zustand nicht gültig.",
    Text.TOO_LONG: "Die Zeile ist zu lang",
    Text.BAD_ARGUMENTS: "Protokollfehler. Ungültige Argumente",
    Text.SERVER_ERROR: "Fehler des Servers, bitte später erneut versuchen",
    Text.TOO_MANY_ERRORS: "Zu viele fehlerhafte Befehle",
    Text.NEEDS_TLS: "Anmelden ohne TLS ist nicht erlaubt; STLS verwenden",
    Text.ONLY_AUTH: "Anmelden mit USER ist nicht erlaubt; AUTH verwenden",
    Text.CANCELLED: "Der Client hat die Anmeldung mit AUTH abgebrochen",
    Text.UNKNOWN_MECHANISM: "Unbekanntes Anmeldeverfahren",
    Text.BAD_RESPONSE: "Protokollfehler. Ungültige Antwort bei der Anmeldung",
    Text.LOGON_FAILED: "Anmeldung fehlgeschlagen: unbekannter Benutzername oder falsches Kennwort.",
    Text.SIGN_IN_AWAY: "Anmelden ist gerade nicht möglich, bitte später erneut versuchen",
    Text.TOO_MANY_ATTEMPTS: "Zu viele Versuche, bitte später erneut versuchen",
    Text.TOO_SOON: "Die letzte Anmeldung ist zu kurz her; bitte %d Sekunden warten",
    Text.IN_USE: "Eine andere POP3-Sitzung hat das Postfach geöffnet",
    Text.NO_MESSAGE: "Diese Nachricht gibt es nicht",
    Text.REMOVED: "Eine andere Sitzung hat das gelöscht",
    Text.LATER: "Das Postfach ist gerade nicht verfügbar, bitte später erneut versuchen",
    Text.DENIED: "Der Zugriff auf das Postfach ist verweigert",
    Text.FULL: "Das Postfach ist voll",
    Text.OVER_LIMIT: "Über einer Grenze des Servers",
    Text.READ_ONLY: "Das Postfach kann nicht geändert werden",
    Text.NOT_REMOVED: "Nachrichten, die nicht gelöscht werden konnten: %d",
    Text.NEEDS_UTF8: "Die Nachricht braucht UTF-8; vor dem Anmelden UTF8 senden",
    Text.NO_LANGUAGE: "Diese Sprache ist hier nicht bekannt",
    Text.STOPPING: "Der Dienst wird beendet",
    Text.EXPIRED: "Die Anmeldung ist abgelaufen; bitte neu anmelden",
    Text.TIMED_OUT: "Die Verbindung wird geschlossen: Zeit abgelaufen",
    Text.TOO_MANY_CONNECTIONS: "Zu viele Verbindungen, bitte später erneut versuchen",
}

_FRENCH = {
    Text.GREETING: "Le service POP3 d’oxgate est prêt.",
    Text.SIGNING_OFF: "Le service POP3 d’oxgate ferme la session.",
    Text.LOGGED_ON: "L’utilisateur est connecté.",
    Text.CAPABILITIES: "Voici la liste des capacités",
    Text.BEGIN_TLS: "La négociation TLS peut commencer.",
    Text.UTF8_ON: "UTF-8 est activé",
    Text.LANGUAGES: "Voici la liste des langues :",
    Text.LANGUAGE_CHANGED: "La langue est désormais le français",
    Text.OCTETS: "%d octets",
    Text.UNKNOWN_COMMAND: "Erreur de protocole. Commande inconnue",
    Text.WRONG_STATE: "La commande n’est pas valide dans cet état.",
    Text.TOO_LONG: "Ligne trop longue",
    Text.BAD_ARGUMENTS: "Erreur de protocole. Arguments non valides",
    Text.SERVER_ERROR: "Erreur du serveur, réessayez plus tard",
    Text.TOO_MANY_ERRORS: "Trop de commandes erronées",
    Text.NEEDS_TLS: "La connexion sans TLS n’est pas autorisée ; utilisez STLS",
    Text.ONLY_AUTH: "La connexion par USER n’est pas autorisée ; utilisez AUTH",
    Text.CANCELLED: "Le client a annulé l’échange AUTH",
    Text.UNKNOWN_MECHANISM: "Mécanisme d’authentification inconnu",
    Text.BAD_RESPONSE: "Erreur de protocole. Réponse d’authentification non valide",
    Text.LOGON_FAILED: "Échec de connexion : nom d’utilisateur inconnu ou mot de passe incorrect.",
    Text.SIGN_IN_AWAY: "La connexion est impossible pour le moment, réessayez plus tard",
    Text.TOO_MANY_ATTEMPTS: "Trop de tentatives, réessayez plus tard",
    Text.TOO_SOON: "Votre dernière connexion est trop récente ; attendez %d secondes",
    Text.IN_USE: "Une autre session POP3 a ouvert la boîte aux lettres",
    Text.NO_MESSAGE: "Ce message n’existe pas",
    Text.REMOVED: "Une autre session l’a supprimé",
    Text.LATER: "La boîte aux lettres n’est pas disponible pour le moment, réessayez plus tard",
    Text.DENIED: "L’accès à la boîte aux lettres est refusé",
    Text.FULL: "La boîte aux lettres est pleine",
    Text.OVER_LIMIT: "Une limite du serveur est dépassée",
    Text.READ_ONLY: "La boîte aux lettres ne peut pas être modifiée",
    Text.NOT_REMOVED: "Messages qui n’ont pas pu être supprimés : %d",
    Text.NEEDS_UTF8: "Le message exige UTF-8 ; envoyez UTF8 avant de vous connecter",
    Text.NO_LANGUAGE: "Cette langue n’est pas connue ici",
    Text.STOPPING: "Le service s’arrête",
    Text.EXPIRED: "La connexion a expiré ; reconnectez-vous",
    Text.TIMED_OUT: "La connexion est fermée : délai dépassé",
    Text.TOO_MANY_CONNECTIONS: "Trop de connexions, réessayez plus tard",
}

_SPANISH = {
    Text.GREETING: "El servicio POP3 de oxgate está listo.",
    Text.SIGNING_OFF: "El servicio POP3 de oxgate se despide.",
    Text.LOGGED_ON: "El usuario ha iniciado sesión.",
    Text.CAPABILITIES: "Sigue la lista de capacidades",
    Text.BEGIN_TLS: "Puede empezar la negociación TLS.",
    Text.UTF8_ON: "UTF-8 está activado",
    Text.LANGUAGES: "Sigue la lista de idiomas:",
    Text.LANGUAGE_CHANGED: "El idioma es ahora el español",
    Text.OCTETS: "%d octetos",
    Text.UNKNOWN_COMMAND: "Error de protocolo. Orden desconocida",
    Text.WRONG_STATE: "La orden no es válida en este estado.",
    Text.TOO_LONG: "Línea demasiado larga",
    Text.BAD_ARGUMENTS: "Error de protocolo. Argumentos no válidos",
    Text.SERVER_ERROR: "Error del servidor, inténtelo más tarde",
    Text.TOO_MANY_ERRORS: "Demasiadas órdenes erróneas",
    Text.NEEDS_TLS: "No se permite iniciar sesión sin TLS; use STLS",
    Text.ONLY_AUTH: "No se permite iniciar sesión con USER; use AUTH",
    Text.CANCELLED: "El cliente ha cancelado el intercambio AUTH",
    Text.UNKNOWN_MECHANISM: "Mecanismo de autenticación desconocido",
    Text.BAD_RESPONSE: "Error de protocolo. Respuesta de autenticación no válida",
    Text.LOGON_FAILED: "Error al iniciar sesión: usuario desconocido o contraseña incorrecta.",
    Text.SIGN_IN_AWAY: "Ahora no es posible iniciar sesión, inténtelo más tarde",
    Text.TOO_MANY_ATTEMPTS: "Demasiados intentos, inténtelo más tarde",
    Text.TOO_SOON: "Ha iniciado sesión hace poco; espere %d segundos",
    Text.IN_USE: "Otra sesión POP3 tiene abierto el buzón",
    Text.NO_MESSAGE: "No existe ese mensaje",
    Text.REMOVED: "Otra sesión lo ha eliminado",
    Text.LATER: "El buzón no está disponible en este momento, inténtelo más tarde",
    Text.DENIED: "El acceso al buzón está denegado",
    Text.FULL: "El buzón está lleno",
    Text.OVER_LIMIT: "Se supera un límite del servidor",
    Text.READ_ONLY: "El buzón no se puede modificar",
    Text.NOT_REMOVED: "Mensajes que no se han podido eliminar: %d",
    Text.NEEDS_UTF8: "El mensaje necesita UTF-8; envíe UTF8 antes de iniciar sesión",
    Text.NO_LANGUAGE: "Ese idioma no se conoce aquí",
    Text.STOPPING: "El servicio se está cerrando",
    Text.EXPIRED: "La sesión ha caducado; inicie sesión de nuevo",
    Text.TIMED_OUT: "La conexión se cierra: tiempo agotado",
    Text.TOO_MANY_CONNECTIONS: "Demasiadas conexiones, inténtelo más tarde",
}

Texts = Mapping[Text, bytes]


def _encoded(texts: Mapping[Text, str]) -> Texts:
    return {key: text.encode() for key, text in texts.items()}


TEXTS: dict[str, Texts] = {
    DEFAULT: _encoded(_ENGLISH),
    "de": _encoded(_GERMAN),
    "en": _encoded(_ENGLISH),
    "es": _encoded(_SPANISH),
    "fr": _encoded(_FRENCH),
}
"""By language tag; every language has every text."""

LISTING = {
    DEFAULT: "English (ASCII)",
    "de": "Deutsch",
    "en": "English",
    "es": "Español",
    "fr": "Français",
}
"""What a language calls itself ([RFC6856] 3.1)."""

_RANGE = re.compile(rb"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,8}\Z")


def matching(language_range: bytes) -> str | None:
    """Find the language that fits a basic language range best; None: none does, or it is no range ([RFC6856] 3.1)."""
    return None if _RANGE.match(language_range) is None else lookup(language_range.decode("ascii"))


class Voice:
    """How a session speaks: a language, and what a personality changes."""

    __slots__ = ("_codes", "octets", "tag", "texts")

    def __init__(self, tag: str = DEFAULT, texts: Texts | None = None, codes: bool = True) -> None:
        """`codes`: negative replies carry a response code; only where RESP-CODES is announced ([RFC2449] 6.4, 8)."""
        self.tag = tag
        self.texts = TEXTS[tag] if texts is None else texts
        self._codes = codes
        self.octets = ok(self.texts[Text.OCTETS])
        """The reply to RETR; it takes a number."""

    def ok(self, text: Text, *numbers: int) -> bytes:
        """Write a positive reply."""
        return ok(self.texts[text] % numbers if numbers else self.texts[text])

    def err(self, text: Text, code: bytes = b"", *numbers: int) -> bytes:
        """Write a negative reply, with a response code such as `SYS/TEMP` ([RFC2449] 8, [RFC3206] 4, 5)."""
        said = self.texts[text] % numbers if numbers else self.texts[text]
        return err(said, code if self._codes else b"")
