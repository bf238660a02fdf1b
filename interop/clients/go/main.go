// Command interop checks a server through go-zookeeper: interop HOST:PORT
//
// One line a check, then "N passed, N failed"; exit code 1 when one failed. The server must have extended types on and
// look for expired TTL nodes and empty containers every second or so.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"reflect"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

const patience = 30 * time.Second

var (
	address string
	root    = fmt.Sprintf("/interop-go-%x", time.Now().UnixNano())
	conn    *zk.Conn
	open    = zk.WorldACL(zk.PermAll)
)

// A deviation ends its check; the others run on.
type deviation struct{ message string }

func fail(format string, args ...any) { panic(deviation{fmt.Sprintf(format, args...)}) }

func same(what string, expected, actual any) {
	if !reflect.DeepEqual(expected, actual) {
		fail("%s: expected %v, got %v", what, expected, actual)
	}
}

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func refused(expected, actual error) {
	if !errors.Is(actual, expected) {
		fail("expected %v, got %v", expected, actual)
	}
}

type silent struct{}

func (silent) Printf(string, ...interface{}) {}

func connect(dial zk.Dialer, onState func(zk.State)) *zk.Conn {
	connected := make(chan struct{})
	var once sync.Once
	c, _, err := zk.Connect([]string{address}, 10*time.Second, zk.WithLogger(silent{}), zk.WithDialer(dial),
		zk.WithEventCallback(func(event zk.Event) {
			if event.Type == zk.EventSession && event.State == zk.StateHasSession {
				once.Do(func() { close(connected) })
			}
			if event.Type == zk.EventSession && onState != nil {
				onState(event.State)
			}
		}))
	must(err)
	select {
	case <-connected:
	case <-time.After(patience):
		fail("not connected")
	}
	return c
}

func at(name string) string { return root + "/" + name }

func createAt(name, data string, mode int32) string {
	path, err := conn.Create(at(name), []byte(data), mode, open)
	must(err)
	return path
}

func expect(events <-chan zk.Event, kind zk.EventType, path string) {
	select {
	case event := <-events:
		same("event", fmt.Sprint(kind, " ", path), fmt.Sprint(event.Type, " ", event.Path))
	case <-time.After(patience):
		fail("no event, expected %v %s", kind, path)
	}
}

func awaitGone(path string) {
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		there, _, err := conn.Exists(path)
		must(err)
		if !there {
			return
		}
		if time.Now().After(deadline) {
			fail("%s still exists", path)
		}
	}
}

func checkConnect() {
	same("state", zk.StateHasSession, conn.State())
	same("session id is not 0", true, conn.SessionID() != 0)
}

func checkCreate() {
	path := createAt("plain", "one", 0)
	same("path", at("plain"), path)
	data, stat, err := conn.Get(path)
	must(err)
	same("data", "one", string(data))
	same("zxids", []int64{stat.Czxid, stat.Czxid}, []int64{stat.Mzxid, stat.Pzxid})
	same("counters", []int32{0, 0, 0, 3, 0}, []int32{stat.Version, stat.Cversion, stat.Aversion, stat.DataLength, stat.NumChildren})
	_, err = conn.Create(path, nil, 0, open)
	refused(zk.ErrNodeExists, err)
	_, err = conn.Create(at("absent/child"), nil, 0, open)
	refused(zk.ErrNoNode, err)
	_, _, err = conn.Get(at("absent"))
	refused(zk.ErrNoNode, err)
	refused(zk.ErrNotEmpty, conn.Delete(root, -1))
}

func checkSetAndDelete() {
	path := createAt("data", "0", 0)
	stat, err := conn.Set(path, []byte("1"), 0)
	must(err)
	same("version", int32(1), stat.Version)
	_, err = conn.Set(path, []byte("2"), 0)
	refused(zk.ErrBadVersion, err)
	refused(zk.ErrBadVersion, conn.Delete(path, 0))
	must(conn.Delete(path, 1))
	there, _, err := conn.Exists(path)
	must(err)
	same("deleted", false, there)
}

func checkChildren() {
	createAt("parent", "", 0)
	for _, name := range []string{"c", "a", "b"} {
		createAt("parent/"+name, "", 0)
	}
	names, stat, err := conn.Children(at("parent"))
	must(err)
	sort.Strings(names)
	same("names", []string{"a", "b", "c"}, names)
	same("counters", []int32{3, 3}, []int32{stat.NumChildren, stat.Cversion})
}

func checkWatches() {
	path := at("watched")
	there, _, exists, err := conn.ExistsW(path)
	must(err)
	same("absent", false, there)
	createAt("watched", "", 0)
	expect(exists, zk.EventNodeCreated, path)
	_, _, data, err := conn.GetW(path)
	must(err)
	_, err = conn.Set(path, nil, -1)
	must(err)
	expect(data, zk.EventNodeDataChanged, path)
	_, _, child, err := conn.ChildrenW(path)
	must(err)
	createAt("watched/child", "", 0)
	expect(child, zk.EventNodeChildrenChanged, path)
	_, _, child, err = conn.ChildrenW(path + "/child")
	must(err)
	_, _, data, err = conn.GetW(path + "/child")
	must(err)
	must(conn.Delete(path+"/child", -1))
	expect(data, zk.EventNodeDeleted, path+"/child")
	expect(child, zk.EventNodeDeleted, path+"/child")
}

func checkEphemeral() {
	other := connect(net.DialTimeout, nil)
	path, err := other.Create(at("ephemeral"), nil, zk.FlagEphemeral, open)
	must(err)
	there, stat, gone, err := conn.ExistsW(path)
	must(err)
	same("there", true, there)
	same("owner", other.SessionID(), stat.EphemeralOwner)
	_, err = conn.Create(path+"/child", nil, 0, open)
	refused(zk.ErrNoChildrenForEphemerals, err)
	other.Close()
	expect(gone, zk.EventNodeDeleted, path)
}

func checkSequence() {
	createAt("sequence", "", 0)
	prefix := at("sequence/n-")
	same("first", prefix+"0000000000", createAt("sequence/n-", "", zk.FlagSequence))
	same("second", prefix+"0000000001", createAt("sequence/n-", "", zk.FlagSequence|zk.FlagEphemeral))
	must(conn.Delete(prefix+"0000000001", -1))
	same("never twice", prefix+"0000000002", createAt("sequence/n-", "", zk.FlagSequence))
	protected, err := conn.CreateProtectedEphemeralSequential(prefix, nil, open)
	must(err)
	same("protected", true, strings.HasPrefix(protected, at("sequence/_c_")) && strings.HasSuffix(protected, "-n-0000000003"))
}

func checkMulti() {
	path := at("multi")
	results, err := conn.Multi(
		&zk.CreateRequest{Path: path, Acl: open},
		&zk.CreateRequest{Path: path + "/s-", Acl: open, Flags: zk.FlagSequence},
		&zk.SetDataRequest{Path: path, Data: []byte("c"), Version: 0},
		&zk.CheckVersionRequest{Path: path, Version: 1},
		&zk.DeleteRequest{Path: path + "/s-0000000000", Version: 0})
	must(err)
	same("results", 5, len(results))
	same("path", path, results[0].String)
	same("sequence", path+"/s-0000000000", results[1].String)
	same("version", int32(1), results[2].Stat.Version)
	_, stat, err := conn.Exists(path)
	must(err)
	same("one zxid for all", []int64{stat.Czxid, stat.Czxid}, []int64{stat.Mzxid, stat.Pzxid})
	results, err = conn.Multi(
		&zk.CreateRequest{Path: at("multi-fails"), Acl: open},
		&zk.DeleteRequest{Path: at("absent"), Version: -1})
	refused(zk.ErrNoNode, err)
	same("results", 2, len(results))
	refused(zk.ErrNoNode, results[1].Error)
	there, _, err := conn.Exists(at("multi-fails"))
	must(err)
	same("nothing was created", false, there)
}

func checkACL() {
	owner := connect(net.DialTimeout, nil)
	defer owner.Close()
	must(owner.AddAuth("digest", []byte("alice:secret")))
	path, err := owner.Create(at("acl"), []byte("s"), 0, zk.AuthACL(zk.PermAll))
	must(err)
	acl, stat, err := owner.GetACL(path)
	must(err)
	same("acl", zk.DigestACL(zk.PermAll, "alice", "secret"), acl)
	same("aversion", int32(0), stat.Aversion)
	_, _, err = conn.Get(path)
	refused(zk.ErrNoAuth, err)
	_, err = conn.SetACL(path, open, -1)
	refused(zk.ErrNoAuth, err)
	stat, err = owner.SetACL(path, append(acl, zk.WorldACL(zk.PermRead)...), 0)
	must(err)
	same("aversion", int32(1), stat.Aversion)
	_, _, err = conn.Get(path)
	must(err)
	_, err = conn.Set(path, nil, -1)
	refused(zk.ErrNoAuth, err)
	_, err = conn.Create(at("x"), nil, 0, []zk.ACL{{Perms: zk.PermAll, Scheme: "nobody", ID: "x"}})
	refused(zk.ErrInvalidACL, err)
	must(owner.Delete(path, -1))
}

func checkTTL() {
	path, err := conn.CreateTTL(at("ttl"), nil, zk.FlagTTL, open, 1500*time.Millisecond)
	must(err)
	kept, err := conn.CreateTTL(at("ttl-kept"), nil, zk.FlagTTL, open, time.Hour)
	must(err)
	awaitGone(path)
	there, _, err := conn.Exists(kept)
	must(err)
	same("the other is kept", true, there)
}

func checkContainer() {
	path, err := conn.CreateContainer(at("container"), nil, zk.FlagContainer, open)
	must(err)
	createAt("container/child", "", 0)
	must(conn.Delete(path+"/child", -1))
	awaitGone(path)
}

func checkLargeValue() {
	large := strings.Repeat("0123456789", 90_000)
	path := createAt("large", large, 0)
	data, _, err := conn.Get(path)
	must(err)
	same("equal", true, string(data) == large)
}

func checkLockRecipe() {
	lock := zk.NewLock(conn, at("lock"), open)
	must(lock.Lock())
	must(lock.Unlock())
	same("unlocked", zk.ErrNotLocked, lock.Unlock())
}

func checkReconnect() {
	var mutex sync.Mutex
	var current net.Conn
	down := false
	states := make(chan zk.State, 64)
	session := connect(func(network, target string, timeout time.Duration) (net.Conn, error) {
		mutex.Lock()
		defer mutex.Unlock()
		if down {
			return nil, errors.New("cut on purpose")
		}
		made, err := net.DialTimeout(network, target, timeout)
		current = made
		return made, err
	}, func(state zk.State) { states <- state })
	await := func(wanted zk.State) {
		for {
			select {
			case state := <-states:
				if state == wanted {
					return
				}
			case <-time.After(patience):
				fail("never %v", wanted)
			}
		}
	}
	await(zk.StateHasSession)
	id := session.SessionID()
	_, err := session.Create(at("reconnect"), nil, zk.FlagEphemeral, open)
	must(err)
	createAt("seen", "0", 0)
	_, _, data, err := session.GetW(at("seen"))
	must(err)
	_, _, exists, err := session.ExistsW(at("seen-later"))
	must(err)
	_, _, child, err := session.ChildrenW(at("seen"))
	must(err)
	mutex.Lock()
	down = true
	current.Close()
	mutex.Unlock()
	await(zk.StateDisconnected)
	_, err = conn.Set(at("seen"), []byte("1"), -1)
	must(err)
	createAt("seen-later", "", 0)
	createAt("seen/child", "", 0)
	mutex.Lock()
	down = false
	mutex.Unlock()
	await(zk.StateHasSession)
	same("same session", id, session.SessionID())
	expect(data, zk.EventNodeDataChanged, at("seen"))
	expect(exists, zk.EventNodeCreated, at("seen-later"))
	expect(child, zk.EventNodeChildrenChanged, at("seen"))
	_, stat, err := conn.Exists(at("reconnect"))
	must(err)
	same("its ephemeral lives", id, stat.EphemeralOwner)
	session.Close()
	awaitGone(at("reconnect"))
}

func removeAll(path string) {
	names, _, err := conn.Children(path)
	must(err)
	for _, name := range names {
		removeAll(path + "/" + name)
	}
	must(conn.Delete(path, -1))
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: interop HOST:PORT")
		os.Exit(64)
	}
	address = os.Args[1]
	conn = connect(net.DialTimeout, nil)
	_, err := conn.Create(root, nil, 0, open)
	must(err)
	passed, failed := 0, 0
	for _, check := range []struct {
		name string
		body func()
	}{
		{"connect", checkConnect},
		{"create", checkCreate},
		{"set and delete", checkSetAndDelete},
		{"children", checkChildren},
		{"watches", checkWatches},
		{"ephemeral", checkEphemeral},
		{"sequence", checkSequence},
		{"multi", checkMulti},
		{"acl", checkACL},
		{"ttl", checkTTL},
		{"container", checkContainer},
		{"large value", checkLargeValue},
		{"lock recipe", checkLockRecipe},
		{"reconnect", checkReconnect},
	} {
		func() {
			defer func() {
				if problem := recover(); problem != nil {
					failed++
					fmt.Printf("FAIL %s: %v\n", check.name, problem)
					return
				}
				passed++
				fmt.Printf("ok %s\n", check.name)
			}()
			check.body()
		}()
	}
	removeAll(root)
	conn.Close()
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed != 0 {
		os.Exit(1)
	}
}
