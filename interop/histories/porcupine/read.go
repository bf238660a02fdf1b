package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"

	"github.com/anishathalye/porcupine"
)

// One line of a history, whatever its kind.
type line struct {
	Kind    string `json:"kind"`
	Client  string `json:"client"`
	At      int64  `json:"at"`
	Session string `json:"session"`
	ID      int64  `json:"id"`
	Do      string `json:"do"`
	On      string `json:"on"`
	Since   *int64 `json:"since"`
	Outcome string `json:"outcome"`
	Error   int    `json:"error"`
	Taking  string `json:"taking"`
	State   string `json:"state"`
	In      struct {
		Data    *string `json:"data"`
		Version int32   `json:"version"`
		By      int64   `json:"by"`
		Value   string  `json:"value"`
		Token   int64   `json:"token"`
	} `json:"in"`
	Out struct {
		Data *string `json:"data"`
		Stat *struct {
			Version int32 `json:"version"`
		} `json:"stat"`
		Value  any      `json:"value"`
		Values []string `json:"values"`
		Token  int64    `json:"token"`
	} `json:"out"`
}

// An operation as the models know it.
type operation struct {
	call    line
	outcome string
	answer  line
	// What a take was about to delete; empty: nothing.
	taking string
}

type callKey struct {
	client string
	id     int64
}

// What is known of a session: the call of the last operation that it was alive for, and when it was over.
type sessionLife struct {
	alive int64
	over  int64
}

const never = math.MaxInt64

type history struct {
	operations map[callKey]*operation
	order      []callKey
	sessions   map[string]*sessionLife
	clients    map[string]int
}

// Reads files of one history and returns what the search needs of each object.
func readObjects(files []string) (map[string][]porcupine.Operation, error) {
	h := history{map[callKey]*operation{}, nil, map[string]*sessionLife{}, map[string]int{}}
	for _, name := range files {
		if err := h.readFile(name); err != nil {
			return nil, err
		}
	}
	return h.objects(), nil
}

func (h *history) readFile(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReaderSize(file, 1<<20)
	for number := 1; ; number++ {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			// A last line without an end: its writer was killed over it.
			return nil
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return fmt.Errorf("%s:%d: %v", name, number, err)
		}
		if err := h.add(l); err != nil {
			return fmt.Errorf("%s:%d: %v", name, number, err)
		}
	}
}

func (h *history) add(l line) error {
	if l.Kind == "history" || l.Kind == "txn" {
		return nil
	}
	if _, known := h.clients[l.Client]; !known {
		h.clients[l.Client] = len(h.clients)
	}
	life := h.sessions[l.Session]
	if life == nil {
		life = &sessionLife{l.At, never}
		h.sessions[l.Session] = life
	}
	key := callKey{l.Client, l.ID}
	switch l.Kind {
	case "call":
		h.operations[key] = &operation{call: l, outcome: "unknown"}
		h.order = append(h.order, key)
	case "return":
		operation := h.operations[key]
		if operation == nil {
			return fmt.Errorf("a return without a call")
		}
		operation.outcome = l.Outcome
		operation.answer = l
		if l.Outcome == "ok" && operation.call.Do != "closeSession" && operation.call.At > life.alive {
			life.alive = operation.call.At
		}
	case "note":
		if operation := h.operations[key]; operation != nil {
			operation.taking = l.Taking
		}
	case "session":
		if (l.State == "expired" || l.State == "closed") && l.At < life.over {
			life.over = l.At
		}
	}
	return nil
}

func (h *history) objects() map[string][]porcupine.Operation {
	objects := map[string][]porcupine.Operation{}
	holders := map[string]map[string]bool{}
	for _, key := range h.order {
		op := h.operations[key]
		on := op.call.On
		if on == "" || op.outcome == "never" || (op.outcome == "unknown" && isRead(op.call.Do)) {
			continue
		}
		call, end := op.call.At, op.answer.At
		if op.call.Since != nil {
			call = *op.call.Since
		}
		if op.outcome == "unknown" {
			// It may be carried out at any time after it was sent, or never, which is the same as at the very end.
			end = never
		}
		objects[on] = append(objects[on], porcupine.Operation{ClientId: h.clients[key.client], Input: *op, Call: call, Return: end})
		if op.call.Do == "acquire" {
			if holders[on] == nil {
				holders[on] = map[string]bool{}
			}
			holders[on][op.call.Session] = true
		}
	}
	// A lock is given back by the end of its holder's session, too.
	client := len(h.clients)
	for on, sessions := range holders {
		for session := range sessions {
			life := h.sessions[session]
			end := operation{call: line{Do: "end", Session: session}, outcome: "ok"}
			client++
			objects[on] = append(objects[on], porcupine.Operation{ClientId: client, Input: end, Call: life.alive, Return: life.over})
		}
	}
	return objects
}

func isRead(do string) bool {
	return do == "getData" || do == "exists" || do == "read" || do == "list"
}
