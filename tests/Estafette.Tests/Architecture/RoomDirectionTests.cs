using System.Reflection;
using System.Reflection.Emit;

namespace Estafette.Tests.Architecture;

/// <summary>Guards the direction of the rooms (docs/rooms.md) in the compiled assemblies: signatures, fields, locals and every member that IL names.</summary>
public sealed class RoomDirectionTests
{
    private static readonly Assembly[] s_assemblies = [typeof(global::Estafette.Mail.Envelope).Assembly, typeof(global::Estafette.Spool.ISpool).Assembly];

    /// <summary>Room to the rooms it may use; every room may use itself.</summary>
    private static readonly Dictionary<string, string[]> s_allowed = new()
    {
        ["Mail"] = [],
        ["Smtp"] = ["Mail"],
        ["Config"] = ["Mail"],
        ["Tables"] = ["Mail", "Config"],
        ["Dns"] = ["Mail"],
        ["Spool"] = ["Mail", "Config"],
        ["Routing"] = ["Mail", "Config", "Tables", "Events"],
        ["Policy"] = ["Mail", "Config", "Tables", "Dns"],
        ["Events"] = ["Mail", "Config"],
        ["Queue"] = ["Mail", "Config", "Spool", "Routing", "Events"],
        ["Smtpd"] = ["Mail", "Smtp", "Config", "Tables", "Routing", "Policy", "Queue", "Events"],
        ["Delivery"] = ["Mail", "Smtp", "Config", "Tables", "Dns", "Queue", "Events"],
        ["Control"] = ["Mail", "Config", "Queue", "Events"],
    };

    /// <summary>Single types through which two rooms may meet although the rooms as such may not.</summary>
    private static readonly HashSet<(string From, string Type)> s_contracts =
    [
        // The body of a message passes from the spool through the queue's job to whoever delivers it, and its commit status to whoever receives it.
        ("Delivery", "SpoolBody"), ("Control", "SpoolBody"),
        ("Smtpd", "SpoolStatus"), ("Smtpd", "SpoolTrouble"),
        // The privileged side's client answers routing's question about forward files.
        ("Delivery", "IForwardFiles"), ("Delivery", "ForwardFile"),
    ];

    [Fact]
    public void Arrows_between_rooms_go_down()
    {
        var wrong = new SortedSet<string>(StringComparer.Ordinal);
        foreach (Type type in s_assemblies.SelectMany(a => a.GetTypes()).Where(t => RoomOf(t) is not null))
        {
            string room = RoomOf(type)!;
            Assert.True(s_allowed.ContainsKey(room), $"{room} is no room of docs/rooms.md ({type})");
            foreach (Type used in Uses(type))
            {
                string? other = RoomOf(used);
                if (other is not null && other != room && !s_allowed[room].Contains(other) && !s_contracts.Contains((room, Outermost(used).Name)))
                    wrong.Add($"{room} uses {other}: {Outermost(type).FullName} -> {Outermost(used).FullName}");
                if (used.Namespace?.StartsWith("Estafette.Config.Dialects", StringComparison.Ordinal) == true
                    && type.Namespace?.StartsWith("Estafette.Config.Dialects", StringComparison.Ordinal) != true)
                    wrong.Add($"only the program imports a dialect: {Outermost(type).FullName} -> {used.FullName}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void No_room_is_a_drawer()
    {
        string[] vague = ["Manager", "Helper", "Helpers", "Util", "Utils", "Common", "Core", "Base"];
        IEnumerable<string> names = s_assemblies.SelectMany(a => a.GetTypes()).Where(t => RoomOf(t) is not null)
            .SelectMany(t => t.Namespace!.Split('.').Append(t.Name.Split('`')[0]));
        Assert.Empty(names.Where(n => vague.Any(v => n.EndsWith(v, StringComparison.Ordinal))).Distinct());
    }

    private static string? RoomOf(Type type) =>
        s_assemblies.Contains(type.Assembly) && type.Namespace?.Split('.') is ["Estafette", string room, ..] ? room : null;

    private static Type Outermost(Type type) => type.DeclaringType is null ? type : Outermost(type.DeclaringType);

    private static IEnumerable<Type> Uses(Type type)
    {
        const BindingFlags all = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        var used = new List<Type?> { type.BaseType };
        used.AddRange(type.GetInterfaces());
        used.AddRange(type.GetFields(all).Select(f => f.FieldType));
        foreach (MethodBase method in type.GetMethods(all).Cast<MethodBase>().Concat(type.GetConstructors(all)))
        {
            used.AddRange(method.GetParameters().Select(p => p.ParameterType).Append((method as MethodInfo)?.ReturnType));
            if (method.GetMethodBody() is not { } body)
                continue;
            used.AddRange(body.LocalVariables.Select(v => v.LocalType));
            used.AddRange(Named(method, body.GetILAsByteArray()!));
        }
        return used.OfType<Type>().SelectMany(Parts).Distinct();
    }

    private static IEnumerable<Type> Parts(Type type)
    {
        if (type.HasElementType)
            return Parts(type.GetElementType()!);
        return type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type.GetGenericTypeDefinition()) : [type];
    }

    private static readonly Dictionary<short, OpCode> s_opCodes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (OpCode)f.GetValue(null)!).ToDictionary(o => o.Value);

    private static IEnumerable<Type?> Named(MethodBase method, byte[] il)
    {
        Type[] ofType = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : [];
        Type[] ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : [];
        for (int at = 0; at < il.Length;)
        {
            OpCode code = il[at] == 0xfe ? s_opCodes[(short)(0xfe00 | il[at + 1])] : s_opCodes[il[at]];
            at += code.Size;
            if (code.OperandType is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok)
            {
                MemberInfo member = method.Module.ResolveMember(BitConverter.ToInt32(il, at), ofType, ofMethod)!;
                yield return member as Type ?? member.DeclaringType;
                if (member is FieldInfo field)
                    yield return field.FieldType;
                else if (member is MethodInfo called)
                {
                    yield return called.ReturnType;
                    foreach (Type argument in called.IsGenericMethod ? called.GetGenericArguments() : [])
                        yield return argument;
                }
            }
            at += code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + 4 * BitConverter.ToInt32(il, at),
                _ => 4,
            };
        }
    }
}
