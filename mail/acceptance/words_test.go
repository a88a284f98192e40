package acceptance_test

import (
	"strings"
)

// words are the names and messages of a scenario.
type words struct {
	agency, client, shop                    string
	nora, mia, otis, carla, dan, lucy, ravi string
	first, last                             string
	message, reason                         string
	setupSubject, setupAbove, setupBelow    string
}

// ordinary returns what people of a language are called, and write.
func ordinary(lang string) words {
	w := words{
		agency: "Northlight Studio", client: "Calla Bakery", shop: "Tansy Books",
		nora: "Nora Lind", mia: "Mia Weber", otis: "Otis Grant", carla: "Carla Rossi", dan: "Dan Price", lucy: "Lucy Tan",
		ravi: "Ravi Patel", first: "Paula", last: "Reyes",
		message: "Hello!\n\nWe spoke on Tuesday about your newsletter. With this we can set it up, and you keep the last word on everything that goes out.\n\nKind regards,\nMia",
		reason:  "We work with somebody else now. All the best to you.",
	}
	switch lang {
	case "de":
		w.agency, w.client, w.shop = "Müller & Söhne", "Bäckerei Krüger", "Buchladen Löwenzahn"
		w.nora, w.mia, w.otis, w.carla, w.dan = "Nora Lindqvist", "Mia Weiß", "Otto Größmann", "Käthe Krüger", "Jörg Preiß"
		w.lucy, w.ravi, w.first, w.last = "Lucie Thänert", "Ravi Patel", "Paula", "Schäfer"
		w.message = "Guten Tag!\n\nWir haben am Dienstag über Ihren Newsletter gesprochen. Damit können wir ihn einrichten, und Sie behalten bei allem das letzte Wort.\n\nFreundliche Grüße\nMia Weiß"
		w.reason = "Wir arbeiten inzwischen mit jemand anderem. Alles Gute für Sie!"
	case "es":
		w.agency, w.client, w.shop = "Peñalver y Asociados", "Panadería Niño", "Librería Ñandú"
		w.nora, w.mia, w.otis, w.carla, w.dan = "Nora Ibáñez", "Mía Núñez", "Óscar Gil", "Carla Muñoz", "Damián Peña"
		w.lucy, w.ravi, w.first, w.last = "Lucía Tánger", "Ravi Patel", "Paula", "Reyes"
		w.message = "¡Hola!\n\nHablamos el martes sobre su boletín. Así podremos configurarlo, y usted tendrá la última palabra sobre todo lo que se envíe.\n\nUn saludo,\nMía"
		w.reason = "Ahora trabajamos con otra agencia. ¡Mucha suerte!"
	case "fr":
		w.agency, w.client, w.shop = "Étoile Conseil", "L’Île aux pains", "Librairie d’Été"
		w.nora, w.mia, w.otis, w.carla, w.dan = "Noëlle Lind", "Maïa Lefèvre", "Octave Garçon", "Carla Noël", "Daniel Prévôt"
		w.lucy, w.ravi, w.first, w.last = "Lucie Tañer", "Ravi Patel", "Paule", "Reÿs"
		w.message = "Bonjour !\n\nNous avons parlé mardi de votre lettre d’information. Ainsi nous pourrons la mettre en place, et vous garderez le dernier mot.\n\nBien à vous,\nMaïa"
		w.reason = "Nous travaillons désormais avec quelqu’un d’autre. Bonne continuation !"
	}
	return w
}

// hostile returns words that are as long, and mean as much harm, as the library lets them.
func hostile(string) words {
	cut := func(s string) string { return string([]rune(s)[:min(100, len([]rune(s)))]) }
	message := strings.Join([]string{
		`</blockquote></td></table><script>alert(1)</script><style>body{display:none}</style>`, "",
		"{{.Link}} {{template \"lines\" .}} https://evil.example/?a=1&b=2 www.evil.example javascript:alert(1)",
		"-- ", "> > quoted already", ".", "..", "", "", "",
		"\u202egnp.elpmaxe\u202c \u2066over\u2069\u200b and \u200dout \u00ad",
		strings.Repeat("Ж", 160), strings.Repeat("語", 160), "\tlast", "",
	}, "\n")
	message += strings.Repeat("M", 1000-len([]rune(message)))
	return words{
		agency: strings.Repeat("W", 100),
		client: cut(`<img src=x onerror=alert(1)><a href="https://evil.example/">"Co" & 'Sons'</a>{{.Link}}` + strings.Repeat("&", 100)),
		shop:   cut("\u202eReversed\u202c https://evil.example/ www.evil.example > " + strings.Repeat("Ü", 100)),
		nora:   strings.Repeat("漢", 100), mia: cut(`{{.Link}} "Mia" <mia@evil.example>,` + strings.Repeat("m", 100)), otis: strings.Repeat("Ö ", 50),
		carla: cut(`=?utf-8?q?Carla?= <script>` + strings.Repeat("C", 100)), dan: strings.Repeat("ﷺ", 100), lucy: cut("Lucy\u200b\u2067" + strings.Repeat("L", 100)),
		ravi: cut(`">` + strings.Repeat("R", 100)), first: strings.Repeat("P", 100), last: strings.Repeat("मनीष", 25),
		message: message, reason: message,
		setupSubject: "<b>" + strings.Repeat("S", 147),
		setupAbove:   "<h1>Dear</h1> {{.Recipient}}\n\n" + strings.Repeat("x", 400) + "\n\nhttps://evil.example/ " + strings.Repeat("- ", 200) + "\n\n> not theirs\n\n-- \n\n",
		setupBelow:   "\n\n" + strings.Repeat("Ж", 300) + "\n\n.\n\n..\n\nwww.evil.example",
	}
}
